"""The rulebook's caps as meters: which one binds for whom."""

from datetime import date

import pytest

from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.ledger import MeterUse, Reason
from huitong.payments.errors import REFUSAL_BY_REASON, CurrencyNotSupported
from huitong.payments.limit_rules import list_meter_uses
from huitong.payments.types import Authentication, Meter, OrderKind

DAY = date(2026, 11, 23)


def uses(
    account_class: int,
    kind: OrderKind = OrderKind.TRANSFER,
    authentication: Authentication = Authentication.TWO_FACTORS,
    currency: str = "CNY",
) -> tuple[MeterUse, ...]:
    return list_meter_uses(
        Rulebook.load(),
        account_id=98,
        account_class=account_class,
        kind=kind,
        authentication=authentication,
        amount=Money(1_000, currency),
        on_day=DAY,
    )


def use(meter: Meter, **caps: int) -> MeterUse:
    return MeterUse(account_id=98, meter=meter, amount=1_000, on_day=DAY, **caps)


@pytest.mark.parametrize(
    ("account_class", "caps"),
    [
        (1, {"total_max": 1_000_00}),
        (2, {"year_max": 100_000_00}),
        (3, {"year_max": 200_000_00}),
    ],
)
def test_the_class_of_an_account_has_its_cap(account_class: int, caps: dict[str, int]) -> None:
    assert uses(account_class) == (use(Meter.BALANCE_PAYMENTS, day_max=5_000_00, **caps),)


@pytest.mark.parametrize(
    ("authentication", "caps"),
    [
        (Authentication.ONE_FACTOR, {"day_max": 1_000_00}),
        (Authentication.TWO_FACTORS, {"day_max": 5_000_00}),
        (Authentication.CERTIFICATE, {}),
    ],
)
def test_the_day_depends_on_the_authentication(
    authentication: Authentication, caps: dict[str, int]
) -> None:
    assert uses(3, authentication=authentication) == (
        use(Meter.BALANCE_PAYMENTS, year_max=200_000_00, **caps),
    )


def test_a_static_code_has_a_cap_of_its_own() -> None:
    assert uses(3, OrderKind.STATIC_QR) == (
        use(Meter.BALANCE_PAYMENTS, day_max=5_000_00, year_max=200_000_00),
        use(Meter.STATIC_CODE, day_max=500_00),
    )


@pytest.mark.parametrize("kind", [OrderKind.DYNAMIC_QR, OrderKind.CUSTOMER_CODE])
def test_a_dynamic_code_has_the_cap_of_its_level(kind: OrderKind) -> None:
    assert uses(3, kind)[1] == use(Meter.DYNAMIC_CODE, day_max=5_000_00)
    assert uses(3, kind, Authentication.ONE_FACTOR)[1] == use(Meter.DYNAMIC_CODE, day_max=1_000_00)
    assert uses(3, kind, Authentication.CERTIFICATE)[1] == use(Meter.DYNAMIC_CODE)


@pytest.mark.parametrize("kind", [OrderKind.TOP_UP, OrderKind.WITHDRAWAL])
def test_money_from_and_to_the_own_bank_is_not_counted(kind: OrderKind) -> None:
    assert uses(1, kind) == ()


def test_refuses_a_currency_that_no_cap_can_judge() -> None:
    with pytest.raises(CurrencyNotSupported) as refused:
        uses(3, currency="USD")
    assert refused.value.field == "amount.currency"


def test_every_reason_of_the_ledger_has_its_refusal() -> None:
    assert set(REFUSAL_BY_REASON) == set(Reason)
    assert {reason: kind.code for reason, kind in REFUSAL_BY_REASON.items()} == {
        reason: reason.value for reason in Reason
    }
