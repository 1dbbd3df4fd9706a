"""Fees, what refunds take back, identifiers: worked numbers and properties."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.ids import uuid7, uuid7_time
from huitong.kernel.money import CurrencyMismatch, Money
from huitong.payments.calculations import (
    calculate_fee,
    derive_id,
    split_by_weights,
    split_refund,
)
from huitong.payments.errors import OrderMoveRefused
from huitong.payments.types import OrderStatus, check_move

AMOUNTS = st.integers(min_value=1, max_value=10**12)
RATES = st.decimals(min_value=0, max_value=Decimal("0.1"), places=6)


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


@pytest.mark.parametrize(
    ("amount", "rate", "fee"),
    [
        ("88.88", "0.006", "0.53"),
        ("2.50", "0.006", "0.02"),
        ("0.83", "0.006", "0.00"),
        ("0.84", "0.006", "0.01"),
        ("100.00", "0", "0.00"),
        ("100.00", "0.0038", "0.38"),
        ("1000000.00", "0.006", "6000.00"),
        ("0.01", "1", "0.01"),
    ],
)
def test_a_fee_is_rounded_half_up_to_the_cent(amount: str, rate: str, fee: str) -> None:
    assert calculate_fee(cny(amount), Decimal(rate)) == cny(fee)


def test_a_fee_stops_at_its_cap() -> None:
    assert calculate_fee(cny("10000.00"), Decimal("0.006"), cny("50.00")) == cny("50.00")
    assert calculate_fee(cny("1000.00"), Decimal("0.006"), cny("50.00")) == cny("6.00")


def test_a_fee_in_yen_has_no_decimals() -> None:
    assert calculate_fee(Money(250, "JPY"), Decimal("0.006")) == Money(2, "JPY")


@pytest.mark.parametrize(
    ("amount", "rate", "fee_max"),
    [("1.00", "-0.1", None), ("1.00", "1.1", None), ("1.00", "0.1", Money(-1, "CNY"))],
)
def test_refuses_a_fee_that_makes_no_sense(amount: str, rate: str, fee_max: Money | None) -> None:
    with pytest.raises(ValueError, match="a fee is"):
        calculate_fee(cny(amount), Decimal(rate), fee_max)
    with pytest.raises(CurrencyMismatch):
        calculate_fee(cny("1.00"), Decimal("0.1"), Money(1, "USD"))


@given(minor=AMOUNTS, rate=RATES)
def test_a_fee_is_within_half_a_cent_of_exact(minor: int, rate: Decimal) -> None:
    fee = calculate_fee(Money(minor, "CNY"), rate)
    assert 0 <= fee.minor <= minor
    assert abs(fee.minor - minor * rate) <= Decimal("0.5")


def test_a_refund_takes_fee_and_shares_back_in_proportion() -> None:
    split = split_refund(
        paid=cny("100.00"),
        fee=cny("0.60"),
        refunded_before=cny("0.00"),
        fee_returned_before=cny("0.00"),
        shares_outstanding=[cny("30.00")],
        refund=cny("25.00"),
    )
    assert split.fee_returned == cny("0.15")
    assert split.share_returns == (cny("7.50"),)
    assert split.from_merchant == cny("17.35")


def test_a_refund_without_shares_comes_from_fee_and_merchant() -> None:
    split = split_refund(
        paid=cny("10.00"),
        fee=cny("0.06"),
        refunded_before=cny("0.00"),
        fee_returned_before=cny("0.00"),
        shares_outstanding=[],
        refund=cny("10.00"),
    )
    assert (split.fee_returned, split.share_returns) == (cny("0.06"), ())
    assert split.from_merchant == cny("9.94")


def test_three_thirds_of_a_fee_are_the_fee() -> None:
    returned: list[str] = []
    before, given_back = cny("0.00"), cny("0.00")
    for part in ("0.33", "0.33", "0.34"):
        split = split_refund(
            paid=cny("1.00"),
            fee=cny("0.10"),
            refunded_before=before,
            fee_returned_before=given_back,
            shares_outstanding=[],
            refund=cny(part),
        )
        returned.append(split.fee_returned.format())
        before, given_back = before + cny(part), given_back + split.fee_returned
    assert returned == ["0.03", "0.04", "0.03"]


@given(data=st.data())
def test_partial_refunds_sum_up_to_everything(data: st.DataObject) -> None:
    paid = data.draw(st.integers(1, 60) | AMOUNTS)
    fee = data.draw(st.integers(0, paid))
    shares = _draw_shares(data, paid - fee)
    refunded = fee_returned = 0
    start = list(shares)
    returned = [0] * len(shares)
    cuts = data.draw(st.sets(st.integers(1, paid), max_size=8)) | {paid}
    for cut in sorted(cuts):
        part = cut - refunded
        split = split_refund(
            paid=Money(paid, "CNY"),
            fee=Money(fee, "CNY"),
            refunded_before=Money(refunded, "CNY"),
            fee_returned_before=Money(fee_returned, "CNY"),
            shares_outstanding=[Money(share, "CNY") for share in shares],
            refund=Money(part, "CNY"),
        )
        parts = [amount.minor for amount in split.share_returns]
        assert split.fee_returned.minor + sum(parts) + split.from_merchant.minor == part
        assert split.from_merchant.minor >= 0
        assert split.fee_returned.minor >= 0
        assert all(0 <= back <= had for back, had in zip(parts, shares, strict=True))
        refunded += part
        fee_returned += split.fee_returned.minor
        shares = [had - back for had, back in zip(shares, parts, strict=True)]
        returned = [total + back for total, back in zip(returned, parts, strict=True)]
        # What the database demands of an order after each refund.
        assert refunded + fee - fee_returned + sum(shares) <= paid
        assert abs(fee_returned * paid - fee * refunded) * 2 <= paid
    assert fee_returned == fee
    assert returned == start


def _draw_shares(data: st.DataObject, left: int) -> list[int]:
    shares: list[int] = []
    for _ in range(data.draw(st.integers(0, 5))):
        if left == 0:
            break
        shares.append(data.draw(st.integers(1, left)))
        left -= shares[-1]
    return shares


@pytest.mark.parametrize("refund", ["0.00", "60.01"])
def test_refuses_to_split_a_refund_that_cannot_be(refund: str) -> None:
    with pytest.raises(ValueError, match="a refund is above zero"):
        split_refund(
            paid=cny("100.00"),
            fee=cny("0.60"),
            refunded_before=cny("40.00"),
            fee_returned_before=cny("0.24"),
            shares_outstanding=[],
            refund=cny(refund),
        )


def test_refuses_to_split_what_was_never_there() -> None:
    with pytest.raises(ValueError, match="fee and shares are more"):
        split_refund(
            paid=cny("1.00"),
            fee=cny("0.10"),
            refunded_before=cny("0.00"),
            fee_returned_before=cny("0.00"),
            shares_outstanding=[cny("0.91")],
            refund=cny("1.00"),
        )


def test_weights_share_every_cent() -> None:
    assert split_by_weights(cny("10.00"), [1, 1, 1]) == (cny("3.34"), cny("3.33"), cny("3.33"))


@given(st.integers(1, 100))
def test_derived_ids_repeat_and_keep_their_time(role: int) -> None:
    base = uuid7()
    derived = derive_id(base, role)
    assert derived == derive_id(base, role)
    assert derived not in {base, derive_id(base, role + 1), derive_id(uuid7(), role)}
    assert derived.version == 7
    assert derived.variant == uuid.RFC_4122
    assert uuid7_time(derived) == uuid7_time(base)


def test_refuses_to_derive_the_base_itself() -> None:
    with pytest.raises(ValueError, match="role 0"):
        derive_id(uuid7(), 0)


ALLOWED = {
    ("created", "pending"),
    ("created", "succeeded"),
    ("created", "failed"),
    ("created", "closed"),
    ("held", "succeeded"),
    ("held", "closed"),
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("pending", "closed"),
    ("succeeded", "partly_refunded"),
    ("succeeded", "refunded"),
    ("partly_refunded", "partly_refunded"),
    ("partly_refunded", "refunded"),
}


@pytest.mark.parametrize("wanted", list(OrderStatus))
@pytest.mark.parametrize("current", list(OrderStatus))
def test_an_order_moves_only_as_its_life_allows(current: OrderStatus, wanted: OrderStatus) -> None:
    if (current.value, wanted.value) in ALLOWED:
        assert check_move(current, wanted) is wanted
    else:
        with pytest.raises(OrderMoveRefused) as refused:
            check_move(current, wanted)
        assert refused.value.code == "order_status_conflict"
        assert refused.value.context == {"status": current.value, "wanted": wanted.value}
