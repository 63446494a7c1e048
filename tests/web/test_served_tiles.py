"""Evidence of a real log before real witnesses, compared with what the log serves after it has grown."""

from __future__ import annotations

import asyncio
from base64 import b64encode as base64_text
from pathlib import Path

from tests.http.service import serve
from tests.service.test_evidence import evidence_of, grow, witnessed
from tests.support import append_request, entry_document
from tests.web.verdicts import browser_page
from tlog.formats.policy import encode_policy


async def test_the_log_still_stands_by_an_entry_whose_partial_tile_is_gone(tmp_path: Path) -> None:
    async with witnessed(tmp_path) as made, serve(made) as service:
        await grow(made, entry_document(), entry_document())
        [index] = await grow(made, entry_document())
        evidence = evidence_of(made, [index])
        await made.log.appender.append(append_request(300))
        await asyncio.wait_for(made.log.wait("witnessed", 303), 20)

        async def served(path: str) -> str | None:
            answer = await service.get(f"/{path}")
            return base64_text(answer.body).decode() if answer.status == 200 else None

        async with browser_page(tmp_path) as page:
            await page.expose_function("servedPath", served)
            data, policy = evidence.encode(), encode_policy(made.log.policy)
            encoded = [base64_text(data).decode(), base64_text(policy).decode(), None]
            found = await page.evaluate("a => failureWithTiles(...a)", encoded)
        assert found["title"] == "", found
        assert found["asked"][0] == "checkpoint"
        assert "tile/0/000" in found["asked"]
