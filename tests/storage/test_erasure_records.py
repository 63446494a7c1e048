from __future__ import annotations

import stat
from pathlib import Path
from uuid import UUID

import pytest

from tests.audit.test_erasure_record import ACT, ERASURE, EXPIRY, mac, other_mac
from tlog.audit.erasure_record import encode_record
from tlog.errors import StorageFault
from tlog.storage.erasure_records import ErasureRecords, unverified_records

OTHER = "01a20642-cbbc-728e-bf2b-3ea96f9ffe24"


def test_what_was_written_is_read_and_is_for_the_owner_only(tmp_path: Path) -> None:
    records = ErasureRecords(tmp_path, mac)
    assert list(records.all()) == []
    records.write(ERASURE)
    [path] = tmp_path.iterdir()
    assert path.name == f"{ACT}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [encode_record(record, mac) for record in records.all()] == [encode_record(ERASURE, mac)]
    found = records.of(UUID(ACT).bytes)
    assert found is not None
    assert encode_record(found, mac) == encode_record(ERASURE, mac)
    assert records.of(UUID(OTHER).bytes) is None


def test_writing_again_replaces_it(tmp_path: Path) -> None:
    records = ErasureRecords(tmp_path, mac)
    records.write(ERASURE)
    records.write(EXPIRY)
    assert [record.kind for record in records.all()] == ["expiry"]


def test_a_crash_while_it_is_written_leaves_what_is_not_read(tmp_path: Path) -> None:
    records = ErasureRecords(tmp_path, mac)
    (tmp_path / f"{ACT}.part").write_bytes(encode_record(ERASURE, mac)[:40])
    assert list(records.all()) == []
    records.write(ERASURE)
    assert len(list(records.all())) == 1


@pytest.mark.parametrize("content", [b"", b"{}", encode_record(ERASURE, mac)[:-1]])
def test_a_damaged_record_stops_reading(tmp_path: Path, content: bytes) -> None:
    (tmp_path / f"{ACT}.json").write_bytes(content)
    with pytest.raises(StorageFault, match=ACT):
        list(ErasureRecords(tmp_path, mac).all())


def test_a_record_under_another_name_stops_reading(tmp_path: Path) -> None:
    (tmp_path / f"{OTHER}.json").write_bytes(encode_record(ERASURE, mac))
    with pytest.raises(StorageFault, match="of another act"):
        list(ErasureRecords(tmp_path, mac).all())


def test_a_folder_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="can't be written"):
        ErasureRecords(tmp_path / "gone", mac).write(ERASURE)


def test_a_record_of_somebody_else_stops_reading_and_says_what_to_do(tmp_path: Path) -> None:
    ErasureRecords(tmp_path, other_mac).write(EXPIRY)
    for read in (ErasureRecords(tmp_path, mac).all, lambda: [ErasureRecords(tmp_path, mac).of(UUID(ACT).bytes)]):
        with pytest.raises(StorageFault, match=rf"{ACT}\.json: .*MAC does not fit; put it back from the newest copy"):
            list(read())
    assert [record.act for record in unverified_records(tmp_path)] == [ACT]
