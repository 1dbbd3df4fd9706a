import pickle
from decimal import Decimal

import pytest

from huitong.kernel.errors import (
    Conflict,
    Fault,
    InvalidField,
    LimitExceeded,
    NotFound,
    Refusal,
    list_refusal_codes,
)


def test_a_refusal_carries_code_detail_field_and_context() -> None:
    refusal = LimitExceeded(
        "500.00 CNY a day is the most", field="amount", context={"key": "qr.static.day"}
    )

    assert refusal.code == "limit_exceeded"
    assert refusal.detail == str(refusal) == "500.00 CNY a day is the most"
    assert refusal.field == "amount"
    assert refusal.context == {"key": "qr.static.day"}


def test_codes_of_the_agreed_refusals_are_stable() -> None:
    assert [each.code for each in (Refusal, InvalidField, NotFound, Conflict, LimitExceeded)] == [
        "refused",
        "invalid_field",
        "not_found",
        "conflict",
        "limit_exceeded",
    ]


def test_invalid_field_needs_a_field() -> None:
    with pytest.raises(TypeError, match="field"):
        InvalidField("something is wrong")  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [Decimal(1), 1.5, b"x", {1: "x"}, {"a": {"b": object()}}])
def test_refuses_a_context_that_json_cannot_carry(value: object) -> None:
    with pytest.raises(TypeError, match="context"):
        Refusal("no", context={"value": value})


def test_refuses_a_second_class_with_the_same_code() -> None:
    with pytest.raises(TypeError, match="both use the code 'not_found'"):

        class Lost(Refusal):
            code = "not_found"
            title = "Lost"


def test_refuses_a_code_that_is_not_snake_case() -> None:
    with pytest.raises(TypeError, match="snake_case"):

        class Shouting(Refusal):
            code = "Not-Found"
            title = "Shouting"


def test_a_subclass_without_a_code_keeps_its_parents() -> None:
    class AccountMissing(NotFound):
        pass

    assert AccountMissing("no such account").code == "not_found"
    assert list_refusal_codes()["not_found"] == NotFound.title


@pytest.mark.parametrize(
    "refusal",
    [
        Conflict("already there", field="id", context={"state": ["closed"]}),
        InvalidField("bad", field="payer.id"),
    ],
)
def test_a_refusal_survives_the_way_between_processes(refusal: Refusal) -> None:
    copy = pickle.loads(pickle.dumps(refusal))

    assert type(copy) is type(refusal)
    assert (copy.detail, copy.field, copy.context) == (
        refusal.detail,
        refusal.field,
        refusal.context,
    )


def test_a_fault_says_whether_to_try_again() -> None:
    assert Fault("connection lost").retryable is True
    assert Fault("signature of the channel is wrong", retryable=False).retryable is False
