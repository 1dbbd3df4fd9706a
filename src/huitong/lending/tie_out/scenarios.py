"""Published scenarios of loans that run (Apache Fineract's features), replayed step by step.

A scenario is a list of sentences: what was lent and paid when, and tables of the schedule that must
come of it. Sentences that only look at other things, such as journals of another chart, are passed
over; one that does what the engine does not do ends what can be compared.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from huitong.lending.servicing import (
    Charge,
    ChargeBack,
    Direction,
    Disbursement,
    Event,
    Loan,
    Part,
    Payment,
    Postponement,
    Refund,
    replay,
)
from huitong.lending.tie_out.products import Product, read_product
from huitong.lending.tie_out.results import NotCovered, Tie

_AMOUNTS: Final = ("Balance of loan", "Principal due", "Interest", "Fees", "Penalties", "Due",
                   "Paid", "In advance", "Late", "Outstanding")  # fmt: skip
_DIRECTIONS: Final = {
    "NEXT_INSTALLMENT": Direction.NEXT,
    "LAST_INSTALLMENT": Direction.LAST,
    "REAMORTIZATION": Direction.ALL_ALIKE,
}
#: Credits whose product has a rule of its own for what is not due yet.
_OF_KIND: Final = {
    "GOODWILL_CREDIT": Direction.LAST,
    "MERCHANT_ISSUED_REFUND": Direction.ALL_ALIKE,
}
_PARTS: Final = {"LOAN_NSF_FEE": Part.PENALTY, "LOAN_SNOOZE_FEE": Part.FEE}
_NSF_FEE: Final = 1_000
#: What acts on the loan in a way that is not covered.
_ACTS: Final = re.compile(
    r"(Admin|Batch|Customer|Refund|Loan Pay-off|When Admin).*"
    r"(re-ag|re-amort|undo|waive|adjust|Processing charge|charge with|rescheduleLoan|Pay-off"
    r"|Refund happens|fee|BATCH|adds \")"
)


def read_day(text: str) -> date:
    """Return the day of "01 January 2023"."""
    return datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007 - a day has no zone


def read_amount(text: str | None) -> int:
    """Return the minor units of "250.0"; nothing is 0."""
    return int(Decimal(text or "0") * 100)


class Scenario:
    """One scenario as far as it has been read."""

    def __init__(self) -> None:
        self.today = date.min
        self.direction = Direction.NEXT
        self.product: Product | None = None
        self.lent: tuple[date, int] | None = None
        self.events: list[Event] = []
        self.not_covered: str | None = None

    def play(self, steps: list[dict[str, Any]]) -> Iterator[str | None]:
        """Yield for each table of a schedule what is wrong with it, or None."""
        for step in steps:
            text = step["text"]
            if text.startswith("Loan Repayment schedule has") and "periods" in text:
                yield self._compare(step["table"])
            elif self.not_covered is None:
                try:
                    self._take(text, step.get("table") or [])
                except (NotCovered, ValueError) as reason:
                    self.not_covered = str(reason)

    def _take(self, text: str, table: list[dict[str, str]]) -> None:
        for pattern, act in _STEPS:
            found = pattern.match(text)
            if found:
                act(self, found, table)
                return
        if _ACTS.match(text):
            raise NotCovered(" ".join(re.sub(r'"[^"]*"|[\d.]+', "…", text).split())[:60])

    def _compare(self, table: list[dict[str, str]]) -> str | None:
        if self.not_covered is not None:
            return f"not covered: {self.not_covered}"
        try:
            found = [_show(*row) for row in self._rows()]
        except (NotCovered, ValueError) as reason:
            return f"not covered: {reason}"
        expected = [_read(row) for row in table if row["Principal due"]]
        if len(found) != len(expected):
            return f"{len(found)} rows instead of {len(expected)}"
        wrong = [
            n for n, pair in enumerate(zip(found, expected, strict=True), 1) if pair[0] != pair[1]
        ]
        return f"rows {', '.join(map(str, wrong))} differ" if wrong else None

    def _rows(self) -> list[tuple[Any, int]]:
        loan = self._replay()
        return list(zip(loan.instalments, loan.balances(), strict=True))

    def _replay(self) -> Loan:
        if self.product is None or self.lent is None:
            raise NotCovered("no loan is lent")
        on, amount = self.lent
        if self.product.is_reckoned_anew and (self.events or self.today > on):
            raise NotCovered("interest that is reckoned anew with each payment")
        rows = self.product.make_rows(on, amount)
        return replay(amount, on, rows, self.events, self.product.waterfall)

    # What sentences do.

    def set_day(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Let time pass."""
        self.today = read_day(found[1])

    def set_direction(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Let payments in advance go elsewhere."""
        self.direction = _DIRECTIONS[found[1]]

    def make(self, _found: re.Match[str], table: list[dict[str, str]]) -> None:
        """Take the terms of a table."""
        self.product = read_product(table[0])

    def make_custom(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Take the plainest product with so many instalments."""
        self.product = read_product({"numberOfRepayments": found[1]})

    def make_default(self, _found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Take the plainest product with one instalment after thirty days."""
        days = {"repaymentEvery": "30", "repaymentFrequencyType": "DAYS"}
        self.product = read_product({"numberOfRepayments": "1", **days})

    def lend(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Lend, for the first time or more."""
        assert self.product is not None
        on, amount = read_day(found[1]), read_amount(found[2])
        product = self.product
        down = product.down_payment_of(amount)
        overpaid = 0
        if self.lent is None:
            self.lent = (on, amount)
        elif product.annual_rate:
            raise NotCovered("more money lent on a loan with interest")
        else:
            overpaid = self._replay().overpaid
            self.events.append(
                Disbursement(
                    on=on,
                    amount=amount,
                    down_payment=down,
                    multiple=product.multiple,
                    is_from_start=not product.is_progressive,
                )
            )
        if product.is_down_payment_automatic and down > overpaid:
            self.events.append(Payment(on=on, amount=down - overpaid))

    def pay(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Take a payment or a credit."""
        direction = _OF_KIND.get(found[1], self.direction)
        amount = read_amount(found[3])
        self.events.append(Payment(on=read_day(found[2]), amount=amount, direction=direction))

    def charge(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Charge a fee or a penalty."""
        due, amount = read_day(found[2]), read_amount(found[3])
        known_on = min(self.today, due)
        part = _PARTS[found[1]]
        self.events.append(Charge(on=known_on, due=due, amount=amount, part=part))

    def charge_bounce(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Charge for a payment that bounced."""
        due = read_day(found[1])
        charge = Charge(on=min(self.today, due), due=due, amount=_NSF_FEE, part=Part.PENALTY)
        self.events.append(charge)

    def charge_back(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Take a payment back."""
        assert self.product is not None
        amount, first = read_amount(found[1]), self.product.charged_back_first
        self.events.append(ChargeBack(on=self.today, amount=amount, first=first))

    def refund(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Give back what was paid too much."""
        self.events.append(Refund(on=read_day(found[1]), amount=read_amount(found[2])))

    def pass_over(self, _found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Do nothing: a loan that is charged off is still owed as it was."""

    def reverse(self, found: re.Match[str], _table: list[dict[str, str]]) -> None:
        """Leave a payment out, as if it had never been."""
        day = read_day(found[2])
        paid = [each for each in self.events if isinstance(each, Payment) and each.on == day]
        if not paid:
            raise NotCovered("nothing to reverse")
        place = min(int(found[1]), len(paid)) - 1
        self.events.remove(paid[place])

    def postpone(self, _found: re.Match[str], table: list[dict[str, str]]) -> None:
        """Let an instalment be due later."""
        assert self.product is not None
        row = table[0]
        others = [k for k, v in row.items() if v and k not in _POSTPONING]
        if others or not row.get("adjustedDueDate"):
            raise NotCovered(f"rescheduling by {', '.join(others) or 'nothing'}")
        moved = Postponement(
            on=self.today,
            due=read_day(row["rescheduleFromDate"]),
            new_due=read_day(row["adjustedDueDate"]),
            cycle=self.product.cycle,
        )
        self.events.append(moved)


_POSTPONING: Final = {"rescheduleFromDate", "submittedOnDate", "adjustedDueDate"}
_DAY, _AMOUNT = r'"([^"]*)"', r"([\d.]+)"
_STEPS: Final[tuple[tuple[re.Pattern[str], Callable[..., None]], ...]] = (
    (re.compile(rf"Admin sets the business date to {_DAY}"), Scenario.set_day),
    (re.compile(r'Admin set ".*" loan product "DEFAULT" transaction type to "(\w+)"'),
         Scenario.set_direction),
    (re.compile(r"Admin creates a fully customized loan"), Scenario.make),
    (re.compile(r"Admin successfully creates a new customised Loan.*numberOfRepayments: (\d+)"),
         Scenario.make_custom),
    (re.compile(r"Admin creates a new default Loan"), Scenario.make_default),
    (re.compile(rf'Admin successfully disburse .* on {_DAY} with "{_AMOUNT}"'), Scenario.lend),
    (re.compile(rf'Customer makes "([^"]*)" (?:repay|trans).* on {_DAY} with {_AMOUNT} EUR'),
         Scenario.pay),
    (re.compile(rf'Admin adds "(LOAN_NSF_FEE|LOAN_SNOOZE_FEE)" due .* {_DAY} due .* {_AMOUNT} EUR'),
         Scenario.charge),
    (re.compile(rf"Admin adds an NSF fee because .* {_DAY}"), Scenario.charge_bounce),
    (re.compile(rf'Admin makes "[^"]*" chargeback with {_AMOUNT} EUR'), Scenario.charge_back),
    (re.compile(rf"Admin makes Credit Balance Refund transaction on {_DAY} with {_AMOUNT} EUR"),
         Scenario.refund),
    (re.compile(rf'Customer undo "(\d+)"th .*(?:made )?on {_DAY}'), Scenario.reverse),
    (re.compile(r"Admin does (?:a )?charge-off"), Scenario.pass_over),
    (re.compile(r"Admin creates and approves Loan reschedule"), Scenario.postpone),
)  # fmt: skip


def _show(instalment: Any, balance: int) -> tuple[Any, ...]:
    owed, paid = instalment.owed, sum(instalment.paid)
    settled = instalment.settled_on if instalment.open == 0 and sum(owed) else None
    return (
        instalment.due, settled, balance, *owed, sum(owed), paid,
        instalment.paid_early, instalment.paid_late, instalment.open,
    )  # fmt: skip


def _read(row: dict[str, str]) -> tuple[Any, ...]:
    paid_on = read_day(row["Paid date"]) if row["Paid date"] else None
    return (read_day(row["Date"]), paid_on, *(read_amount(row[key]) for key in _AMOUNTS))


def compare_scenarios(cases: list[dict[str, Any]]) -> Iterator[Tie]:
    """Yield one tie for each table of a schedule."""
    for case in cases:
        scenario = Scenario()
        for place, difference in enumerate(scenario.play(case["steps"]), 1):
            yield Tie(f"{case['id']} table {place}", difference)
