from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog import errors
from tlog.client.refusal import may_retry, refusal, retry_after
from tlog.http.problem import KINDS
from tlog.http.problem import refusal as answer_of


@pytest.mark.parametrize(
    "error",
    [
        errors.EntryInvalid([errors.Fault("[3].actor.id", "missing"), errors.Fault("", "too deep")]),
        errors.Unauthorized("no token"),
        errors.Forbidden("not yours"),
        errors.NotFound("nothing there"),
        errors.BareLeaf("elsewhere"),
        errors.Expired("over", 0),
        errors.OutOfRange("beyond"),
        errors.Conflict("id used"),
        errors.TooLarge("over 8 bytes"),
        errors.TooManyRequests("slow down", 9),
        errors.Overloaded("full", 3),
        errors.LogHalted("rolled back"),
        errors.Unavailable("starting"),
        errors.StorageFault("disk"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_log_raised_comes_back_as_what_it_was(error: errors.TlogError) -> None:
    answer = answer_of(error)
    assert isinstance(answer.body, bytes)
    found = refusal(answer.status, answer.headers, answer.body)
    assert type(found) is type(error)
    if isinstance(error, errors.EntryInvalid):
        assert isinstance(found, errors.EntryInvalid)
        assert found.faults == error.faults
    else:
        assert str(found) == str(error)
    if isinstance(error, errors.Overloaded):
        assert isinstance(found, errors.Overloaded)
        assert found.retry_after == error.retry_after


def test_only_what_may_pass_is_tried_again() -> None:
    for kind, row in KINDS.items():
        again = may_retry(row.status, errors.LogHalted("") if kind is errors.LogHalted else errors.TlogError())
        assert again == (row.status in {408, 429, 502, 503} and kind is not errors.LogHalted), kind


@given(st.integers(300, 599), st.binary(max_size=100))
def test_an_answer_that_is_no_logs_is_still_an_error_of_ours(status: int, body: bytes) -> None:
    assert isinstance(refusal(status, {}, body), errors.TlogError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), ("0", 0), ("9999", 60), ("-1", None), ("1.5", None), ("٣", None), ("9" * 5000, None), ("", None)],
)
def test_retry_after_is_bounded(header: str, seconds: int | None) -> None:
    assert retry_after({"Retry-After": header}) == seconds
    assert retry_after({}) is None


def test_a_redirect_is_named_not_followed() -> None:
    assert "https://login.example" in str(refusal(302, {"Location": "https://login.example"}, b""))
