"""Settlement sheets as CSV, with cells that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from huitong.kernel.ids import PAYMENT, SETTLEMENT_SHEET, TRANSFER, show_id
from huitong.kernel.money import Money
from huitong.payments.merchants.types import LineKind, Sheet, SheetLine

#: What people read for each part of a sheet, in the order of the sheet.
PARTS: Final[dict[str, tuple[str, str]]] = {
    "opening": ("上期结转", "Carried from before"),
    "payments": ("交易", "Payments"),
    "refunds": ("退款", "Refunds"),
    "fees": ("已收手续费", "Fees charged with payments"),
    "shares": ("分账", "Profit shares"),
    "chargebacks": ("拒付", "Chargebacks"),
    "dispute_fees": ("争议处理费", "Dispute fees"),
    "others": ("其他", "Others"),
    "plan_fees": ("结算手续费", "Fees by plan"),
    "advanced": ("欠费垫付", "Fees owed"),
    "recovered": ("欠款收回", "Debts recovered"),
    "reserve_held": ("保证金留存", "Reserve held"),
    "reserve_released": ("保证金释放", "Reserve released"),
    "payout": ("结算金额", "Paid out"),
    "carried": ("结转下期", "Carried forward"),
}
#: What counts against the merchant although it stands without a sign.
SUBTRACTED: Final = frozenset({"recovered", "reserve_held", "payout"})
_KINDS: Final[dict[LineKind, tuple[str, str]]] = {
    LineKind.PAYMENT: ("交易", "Payment"),
    LineKind.REFUND: ("退款", "Refund"),
    LineKind.FEE: ("手续费", "Fee"),
    LineKind.SHARE: ("分账", "Profit share"),
    LineKind.CHARGEBACK: ("拒付", "Chargeback"),
    LineKind.DISPUTE_FEE: ("争议处理费", "Dispute fee"),
    LineKind.OTHER: ("其他", "Other"),
}
_TITLES: Final = (
    "行号 Line",
    "时间 Time",
    "类别 Kind",
    "订单 Payment",
    "流水 Transfer",
    "金额 Amount",
    "结算手续费 Fee by plan",
    "币种 Currency",
)
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def signed(sheet: Sheet, part: str) -> int:
    """Return a part of a sheet as it counts: all before `carried` add up to it."""
    amount: int = getattr(sheet, part)
    return -amount if part in SUBTRACTED else amount


def write_head(sheet: Sheet) -> str:
    """Return the head of a sheet: who and when, its parts, and the titles of the lines."""
    rows = [
        ("结算单 Settlement sheet", show_id(SETTLEMENT_SHEET, sheet.id)),
        ("序号 Number", str(sheet.number)),
        ("截止 Cut-off", sheet.cutoff_at.isoformat()),
        *(
            (f"{zh} {en}", Money(signed(sheet, part), sheet.currency).format())
            for part, (zh, en) in PARTS.items()
        ),
        (),
        _TITLES,
    ]
    return "\ufeff" + _write(rows)


def write_lines(sheet: Sheet, lines: Sequence[SheetLine]) -> str:
    """Return lines of a sheet."""
    return _write([_show(sheet, line) for line in lines])


def _show(sheet: Sheet, line: SheetLine) -> tuple[str, ...]:
    return (
        str(line.line),
        line.happened_at.isoformat(),
        " ".join(_KINDS[line.kind]),
        "" if line.order_id is None else show_id(PAYMENT, line.order_id),
        show_id(TRANSFER, line.transfer_id),
        Money(line.amount, sheet.currency).format(),
        Money(line.plan_fee, sheet.currency).format(),
        sheet.currency,
    )


def _write(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([[_defuse(cell) for cell in row] for row in rows])
    return text.getvalue()


def _defuse(cell: str) -> str:
    """Return a cell that is text or a number; amounts below zero stay numbers."""
    if not cell.startswith(_FORMULA_STARTS) or cell.lstrip("-").replace(".", "", 1).isdigit():
        return cell
    return f"'{cell}"
