"""What the features of a payment say, in plain words, where a model looked at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ReasonText:
    """A reason in words, for the customer and for staff."""

    en: str
    zh: str


PAYMENT_TEXTS: Final[Mapping[str, ReasonText]] = {
    "payee_new": ReasonText("The payer has not paid this payee before.", "首次向该收款方付款。"),
    "payee_history": ReasonText(
        "What is known of earlier payments to this payee is unusual.",
        "与该收款方以往的付款情况不符。",
    ),
    "payee_busy": ReasonText(
        "The payee receives unusually many or large payments.",
        "该收款方近期收款异常频繁或金额异常。",
    ),
    "payee_many_payers": ReasonText(
        "Many different people pay this payee.", "近期向该收款方付款的人较多。"
    ),
    "many_payees": ReasonText(
        "The payer has recently paid many different payees.", "付款人近期向多个不同的收款方付款。"
    ),
    "test_payments": ReasonText(
        "Very small payments came before this one.", "此前有小额试探性付款。"
    ),
    "money_passes_through": ReasonText(
        "Money that came in goes out again at once.", "资金快进快出。"
    ),
    "money_came_in": ReasonText(
        "The account has recently received unusual amounts.", "账户近期收款异常。"
    ),
    "account_dormant": ReasonText(
        "How long the account was quiet before is unusual.", "账户此前的活跃情况异常。"
    ),
    "gambling_pattern": ReasonText("Round amounts are paid at night.", "夜间存在整额付款。"),
    "device_unusual": ReasonText(
        "The device is new or others use it, too.", "设备为新设备，或同时被他人使用。"
    ),
    "address_unusual": ReasonText(
        "Many payments come from the same network address.", "同一网络地址的付款较多。"
    ),
    "kind_of_payment": ReasonText(
        "This kind of payment or account is more often misused.", "该类付款或账户的风险较高。"
    ),
    "pattern_unusual": ReasonText(
        "The payment does not fit the usual pattern.", "该笔付款与通常情况不符。"
    ),
}
_PAYER_PACE: Final = ("payments_1m", "payments_1h", "payments_1d", "payments_30d")
_PAYER_AMOUNTS: Final = (
    "paid_1h",
    "paid_1d",
    "paid_30d",
    "mean_payment_30d",
    "amount_to_mean_30d",
)
_PAYEE_BUSY: Final = tuple(
    f"payee_{what}_{each}"
    for what in ("receipts", "received")
    for each in ("1m", "1h", "1d", "30d")
    if (what, each) != ("received", "1m")
)
_DEVICE: Final = (
    "is_new_device",
    "device_age_seconds",
    "device_payments_1h",
    "device_payments_1d",
    "device_payers_today",
)
_ADDRESS: Final = ("address_payments_1m", "address_payments_1h", "address_payers_today")

#: The reason of each feature of a payment that a model may look at.
PAYMENT_CODES: Final[Mapping[str, str]] = {
    "amount": "amount_large",
    "is_round_amount": "amount_unusual",
    **dict.fromkeys(("hour", "weekday", "is_night"), "time_unusual"),
    **dict.fromkeys(("is_merchant", "is_strong", "account_class"), "kind_of_payment"),
    **dict.fromkeys(_PAYER_PACE, "payer_pace"),
    **dict.fromkeys(_PAYER_AMOUNTS, "amount_unusual"),
    **dict.fromkeys(("receipts_1h", "receipts_1d", "received_1h", "received_1d"), "money_came_in"),
    **dict.fromkeys(("seconds_since_receipt", "payers_today"), "money_came_in"),
    **dict.fromkeys(("outflow_to_inflow_1h", "fast_outflows_30d"), "money_passes_through"),
    **dict.fromkeys(_PAYEE_BUSY, "payee_busy"),
    "payee_payers_today": "payee_many_payers",
    "payee_age_seconds": "payee_little_known",
    "is_new_payee": "payee_new",
    **dict.fromkeys(("payments_to_payee_1d", "payments_to_payee_30d"), "payee_history"),
    **dict.fromkeys(("paid_to_payee_30d", "seconds_since_payment_to_payee"), "payee_history"),
    **dict.fromkeys(("payees_today", "new_payees_1d"), "many_payees"),
    "test_payments_1h": "test_payments",
    **dict.fromkeys(
        ("round_night_payments_30d", "round_night_payments_to_payee_30d"), "gambling_pattern"
    ),
    **dict.fromkeys(("seconds_since_first_payment", "seconds_since_payment"), "account_dormant"),
    **dict.fromkeys(_DEVICE, "device_unusual"),
    **dict.fromkeys(_ADDRESS, "address_unusual"),
}
