"""What is said about the quorum: its members by their names, whatever the number of their keys."""

from __future__ import annotations

from tests.client import material
from tests.client.material import LOG, TIME, WITNESSES
from tlog.client.quorum_report import QuorumReport, quorum_report
from tlog.client.verifier import OfflineVerifier, Report
from tlog.formats.policy import NONE, Group, LogLine, Policy, WitnessLine

LINES = tuple(
    WitnessLine(name, witness.vkey) for name, witness in zip((b"w1-1", b"w1-2", b"w2"), WITNESSES, strict=True)
)
BOTH_KEYS = Group(b"w1", 2, (b"w1-1", b"w1-2"))
QUORUM = Group(b"two", 1, (b"w1", b"w2"))


def policy(quorum: bytes, *groups: Group) -> Policy:
    return Policy((LogLine(LOG.ed25519.vkey),), LINES, groups, quorum)


def report_of(policy: Policy, *witnesses: int) -> Report:
    return OfflineVerifier(policy).verify(material.checkpoint(witnesses=witnesses).encode())


def said(report: Report) -> str:
    return next(check.detail for check in report.checks if check.name == "witness quorum")


def test_a_witness_with_two_keys_is_one_member() -> None:
    report = report_of(policy(b"two", BOTH_KEYS, QUORUM), 0, 1)
    assert report.quorum == QuorumReport("two", 1, ("w1",), ("w1", "w2"))
    assert said(report) == (
        "quorum met: w1 (1 of 2, 1 needed); cosigned by w1-1 at 2026-02-02T02:40:00Z, w1-2 at 2026-02-02T02:40:01Z"
    )


def test_a_witness_of_which_one_key_signed_is_not_met() -> None:
    report = report_of(policy(b"two", BOTH_KEYS, QUORUM), 0, 2)
    assert report.quorum is not None
    assert report.quorum.met == ("w2",)
    assert said(report).startswith("quorum met: w2 (1 of 2, 1 needed); cosigned by w1-1 at ")


def test_a_single_witness_as_quorum() -> None:
    report = report_of(policy(b"w2"), 2)
    assert report.quorum == QuorumReport("w2", 1, ("w2",), ("w2",))
    assert said(report) == "quorum met: w2 (1 of 1, 1 needed); cosigned by w2 at 2026-02-02T02:40:02Z"


def test_no_quorum() -> None:
    assert report_of(policy(NONE)).quorum is None
    assert said(report_of(policy(NONE))) == "the policy wants none"
    assert said(report_of(policy(NONE), 2)) == "the policy wants none; cosigned by w2 at 2026-02-02T02:40:02Z"


def test_a_name_that_is_no_text_is_shown_as_escapes() -> None:
    line = WitnessLine(b"w\xff", WITNESSES[0].vkey)
    found = quorum_report(Policy((LogLine(LOG.ed25519.vkey),), (line,), (), b"w\xff"), {b"w\xff": TIME})
    assert found == QuorumReport("w\\xff", 1, ("w\\xff",), ("w\\xff",))
