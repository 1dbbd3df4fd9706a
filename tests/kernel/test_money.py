from decimal import Decimal, getcontext
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from huitong.kernel import limits
from huitong.kernel.currencies import CURRENCIES, UnknownCurrency
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import AmountOutOfRange, CurrencyMismatch, Money, Rounding

minors = st.integers(limits.MINOR_UNITS_MIN, limits.MINOR_UNITS_MAX)
# The smallest amount has no positive counterpart, so it cannot be negated or split.
splittable = st.integers(-limits.MINOR_UNITS_MAX, limits.MINOR_UNITS_MAX)
currencies = st.sampled_from(sorted(CURRENCIES))
weights = st.lists(
    st.one_of(
        st.integers(0, 10**12),
        st.decimals(0, 10**6, allow_nan=False, allow_infinity=False, places=6),
    ),
    min_size=1,
    max_size=30,
).filter(any)


@pytest.mark.parametrize("minor", [10.0, True, False, "10", Decimal(10), None])
def test_refuses_anything_but_a_whole_int(minor: object) -> None:
    with pytest.raises(TypeError, match="whole int"):
        Money(minor, "CNY")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["cny", "RMB", "", "XAU", "BGN", None, 156])
def test_refuses_an_unknown_currency(currency: object) -> None:
    with pytest.raises(UnknownCurrency):
        Money(1, currency)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10.50", "CNY", 1050),
        ("10.5", "CNY", 1050),
        ("10", "CNY", 1000),
        ("0", "CNY", 0),
        ("0.01", "CNY", 1),
        ("500", "JPY", 500),
        ("1.005", "BHD", 1005),
        ("1.0001", "CLF", 10001),
        ("92233720368547758.07", "CNY", 2**63 - 1),
    ],
)
def test_parses_exactly(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        "1.005",
        "1e3",
        "1E3",
        "+1",
        "-1",
        "-0",
        "1,000.00",
        "１０.50",
        "٣",
        "NaN",
        "Infinity",
        "",
        " 1",
        "1 ",
        "1\n",
        ".5",
        "5.",
        "00.10",
        "01",
        "1_000",
        "0x10",
        "1.2.3",
        "92233720368547758.08",
        "9" * 25,
        "9" * 100_000,
    ],
)
def test_refuses_a_text_that_is_not_a_plain_amount(text: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Money.parse(text, "CNY", field="order.amount")

    assert caught.value.field == "order.amount"


@pytest.mark.parametrize("value", [10.5, 10, True, None, ["1"], {"amount": "1"}])
def test_refuses_to_parse_anything_but_text(value: object) -> None:
    with pytest.raises(InvalidField, match="in a text"):
        Money.parse(value, "CNY")


def test_refuses_decimals_of_a_currency_that_has_none() -> None:
    with pytest.raises(InvalidField, match="JPY has 0"):
        Money.parse("10.0", "JPY")


def test_parses_a_minus_only_when_it_is_allowed() -> None:
    assert Money.parse("-10.50", "CNY", allow_negative=True) == Money(-1050, "CNY")
    with pytest.raises(InvalidField, match="negative zero"):
        Money.parse("-0.00", "CNY", allow_negative=True)


@given(minors, currencies)
def test_what_is_written_reads_back(minor: int, currency: str) -> None:
    money = Money(minor, currency)

    assert Money.parse(money.format(), currency, allow_negative=True) == money
    assert Money.from_json(money.to_json(), allow_negative=True) == money
    assert money.to_decimal() == Decimal(money.format())


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1050, "CNY"), "10.50"),
        (Money(-5, "CNY"), "-0.05"),
        (Money(500, "JPY"), "500"),
        (Money(1, "BHD"), "0.001"),
    ],
)
def test_json_carries_a_text_with_all_decimals(money: Money, text: str) -> None:
    assert money.to_json() == {"amount": text, "currency": money.currency}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("10.50", "total"),
        ({"amount": "10.50"}, "total"),
        ({"amount": "10.50", "currency": "CNY", "more": 1}, "total"),
        ({"amount": 10.5, "currency": "CNY"}, "total.amount"),
        ({"amount": "10.50", "currency": ["CNY"]}, "total.currency"),
        ({"amount": "10.50", "currency": "cny"}, "total.currency"),
    ],
)
def test_names_the_member_of_a_bad_json_amount(value: object, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        Money.from_json(value, field="total")

    assert caught.value.field == field


def test_adds_and_subtracts_within_a_currency() -> None:
    assert Money(1, "CNY") + Money(2, "CNY") == Money(3, "CNY")
    assert Money(1, "CNY") - Money(2, "CNY") == Money(-1, "CNY")
    assert -Money(1, "CNY") == Money(-1, "CNY")
    assert abs(Money(-1, "CNY")) == Money(1, "CNY")
    assert max(Money(1, "CNY"), Money(2, "CNY")) == Money(2, "CNY")
    assert Money.total([Money(1, "CNY"), Money(2, "CNY")], "CNY") == Money(3, "CNY")
    assert Money.total([], "CNY") == Money.zero("CNY")


def test_never_mixes_currencies() -> None:
    yuan, dollar = Money(1, "CNY"), Money(1, "USD")

    assert yuan != dollar
    for mix in (
        lambda: yuan + dollar,
        lambda: yuan - dollar,
        lambda: yuan < dollar,
        lambda: yuan >= dollar,
        lambda: Money.total([yuan, dollar], "CNY"),
    ):
        with pytest.raises(CurrencyMismatch):
            mix()


@pytest.mark.parametrize("other", [1, 1.0, Decimal(1), "1"])
def test_never_adds_a_bare_number(other: object) -> None:
    with pytest.raises(TypeError):
        Money(1, "CNY") + other  # type: ignore[operator]


def test_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="truth value"):
        bool(Money(1, "CNY"))


@pytest.mark.parametrize("minor", [2**63, -(2**63) - 1, 10**40])
def test_refuses_what_does_not_fit_a_bigint(minor: int) -> None:
    with pytest.raises(AmountOutOfRange):
        Money(minor, "CNY")


def test_refuses_a_sum_that_does_not_fit_a_bigint() -> None:
    with pytest.raises(AmountOutOfRange):
        Money(2**63 - 1, "CNY") + Money(1, "CNY")
    with pytest.raises(AmountOutOfRange):
        -Money(-(2**63), "CNY")


@pytest.mark.parametrize(
    ("rounding", "minor"),
    [
        (Rounding.HALF_UP, 3),
        (Rounding.HALF_EVEN, 2),
        (Rounding.HALF_DOWN, 2),
        (Rounding.DOWN, 2),
        (Rounding.UP, 3),
        (Rounding.FLOOR, 2),
        (Rounding.CEILING, 3),
    ],
)
def test_multiplies_with_the_named_rounding(rounding: Rounding, minor: int) -> None:
    assert Money(5, "CNY").multiply(Decimal("0.5"), rounding) == Money(minor, "CNY")


def test_a_fee_of_six_in_a_thousand_is_exact() -> None:
    assert Money(100_000, "CNY").multiply(Decimal("0.006"), Rounding.HALF_UP) == Money(600, "CNY")


@given(minors, st.decimals(-2, 2, allow_nan=False, allow_infinity=False, places=12))
def test_a_product_is_within_half_a_unit_of_the_exact_one(minor: int, factor: Decimal) -> None:
    exact = Fraction(minor) * Fraction(factor)
    assume(limits.MINOR_UNITS_MIN <= round(exact) <= limits.MINOR_UNITS_MAX)

    product = Money(minor, "CNY").multiply(factor, Rounding.HALF_EVEN)

    assert product.minor == round(exact)


def test_the_context_of_the_caller_does_not_change_a_product() -> None:
    before = getcontext().prec
    getcontext().prec = 3
    try:
        product = Money(123_456_789, "CNY").multiply(Decimal("1.00000001"), Rounding.HALF_UP)
    finally:
        getcontext().prec = before

    assert product == Money(123_456_790, "CNY")


@pytest.mark.parametrize("factor", [0.5, 2, True, "0.5", Fraction(1, 2)])
def test_multiplies_by_nothing_but_a_decimal(factor: object) -> None:
    with pytest.raises(TypeError, match="Decimal"):
        Money(5, "CNY").multiply(factor, Rounding.HALF_UP)  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", ["NaN", "sNaN", "Infinity", "1e61", "1e-61", "1." + "1" * 61])
def test_refuses_a_factor_that_is_no_rate(factor: str) -> None:
    with pytest.raises(ValueError, match=r"factor|multiplied"):
        Money(5, "CNY").multiply(Decimal(factor), Rounding.HALF_UP)


def test_refuses_a_rounding_that_is_not_named() -> None:
    with pytest.raises(TypeError, match="rounding"):
        Money(5, "CNY").multiply(Decimal(1), "ROUND_HALF_UP")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minor", "by", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (5, [3, 7], [2, 3]),
        (1, [1, 0, 1], [1, 0, 0]),
        (0, [1, 2], [0, 0]),
        (1000, [Decimal("0.7"), Decimal("0.3")], [700, 300]),
        (10, [Decimal("0.25"), 1], [2, 8]),
        (2**63 - 1, [1, 1], [2**62, 2**62 - 1]),
    ],
)
def test_allocates_by_largest_remainder(
    minor: int, by: list[int | Decimal], parts: list[int]
) -> None:
    assert [part.minor for part in Money(minor, "CNY").allocate(by)] == parts


@given(splittable, weights)
def test_an_allocation_loses_nothing(minor: int, by: list[int | Decimal]) -> None:
    parts = Money(minor, "CNY").allocate(by)
    whole = sum(map(Fraction, by))

    assert sum(part.minor for part in parts) == minor
    for part, weight in zip(parts, by, strict=True):
        assert abs(part.minor - Fraction(minor) * Fraction(weight) / whole) < 1


@given(splittable, weights)
def test_a_zero_weight_gets_nothing(minor: int, by: list[int | Decimal]) -> None:
    parts = Money(minor, "CNY").allocate([0, *by])

    assert parts[0].is_zero


@pytest.mark.parametrize("by", [[], [0], [0, 0], [1, -1], [Decimal("NaN")], [1] * 10_001])
def test_refuses_weights_that_cannot_split(by: list[int | Decimal]) -> None:
    with pytest.raises(ValueError, match=r"weight|allocation|multiplied"):
        Money(1, "CNY").allocate(by)


@pytest.mark.parametrize("weight", [0.5, True, "1", None])
def test_refuses_a_weight_that_is_not_exact(weight: object) -> None:
    with pytest.raises(TypeError, match="weight"):
        Money(1, "CNY").allocate([weight])  # type: ignore[list-item]
