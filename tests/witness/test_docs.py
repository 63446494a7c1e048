"""docs/witness.md as an operator follows it."""

from __future__ import annotations

from tests.docs.pages import ROOT, Page
from witness.metrics import Metrics

WITNESS, OPERATIONS = Page(ROOT / "docs/witness.md"), Page(ROOT / "docs/operations.md")


def installs(page: Page) -> list[str]:
    return [line for code in page.fences("console") for line in code.splitlines() if "pip install" in line]


def test_installs_from_a_checkout_with_the_lock_file_and_never_a_name_from_an_index() -> None:
    """The name of this project is on no index: whoever registers it would run a witness's machine."""
    assert installs(WITNESS) == installs(OPERATIONS)
    locked, own = (line.split("pip install ")[1] for line in installs(WITNESS))
    assert locked == "--require-hashes -r requirements.lock"
    assert own == "--no-deps ."
    assert (ROOT / "requirements.lock").is_file()


def test_every_metric_is_listed() -> None:
    listed = {row[0] for row in WITNESS.rows() if row[0].startswith("`tlog_witness_")}
    families = Metrics().registry.collect()
    assert listed == {f"`{family.name}{'_total' * (family.type == 'counter')}`" for family in families}
