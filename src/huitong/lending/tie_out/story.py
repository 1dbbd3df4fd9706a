"""What a scenario has told so far: terms, money lent, and what happened since."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, TypeVar

from huitong.lending.schedules import (
    Disbursement,
    Plan,
    RateChange,
    Receipt,
    Rounding,
    Row,
    quote_payoff,
    recalculate,
    round_to,
)
from huitong.lending.servicing import (
    Charge,
    Direction,
    Event,
    Extension,
    Loan,
    Part,
    Payment,
    Waiver,
    replay,
)
from huitong.lending.servicing import Disbursement as MoreLent
from huitong.lending.tie_out.products import Product
from huitong.lending.tie_out.results import NotCovered

_CENT: Final = 1
E = TypeVar("E")


class Lent(NamedTuple):
    """Money that was lent."""

    on: date
    amount: int


#: What leaves the interest of a loan whose interest is reckoned anew as the payments make it.
_PLAIN_EVENTS: Final = (Lent, Payment, Charge, Waiver)


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened, and what the scenario calls it."""

    kind: str
    what: Event | Lent


@dataclass(frozen=True, slots=True)
class NewRate:
    """A rate that holds for instalments from a due day on."""

    due: date
    annual_rate: Decimal


class Story:
    """A loan as far as it has been told."""

    def __init__(self) -> None:
        self.today = date.min
        #: Which instalments a payment in advance goes to first, by its kind.
        self.directions = {"DEFAULT": Direction.NEXT}
        self.product: Product | None = None
        #: What is to be lent, and when, while nothing is.
        self.planned: Lent | None = None
        self.submitted_on: date | None = None
        self.counts_from_submission = False
        #: Whether, and until when, close of business reckoned interest anew.
        self.is_recalculated_daily = False
        self.recalculated_on = date.min
        self.told: list[Told] = []
        #: Charges that were paid out of the money as it was lent.
        self.charged_at_lending = 0
        self.new_rates: list[NewRate] = []

    @property
    def terms(self) -> Product:
        """Return the product; raises NotCovered while no loan was made."""
        if self.product is None:
            raise NotCovered("no loan is made")
        return self.product

    @property
    def starts_on(self) -> date | None:
        """Return the day from which due days count, if it is not the day of lending."""
        return self.submitted_on if self.counts_from_submission else None

    def tell(self, kind: str, what: Event | Lent) -> None:
        """Add what happened."""
        self.told.append(Told(kind, what))

    def lend(self, on: date, amount: int) -> None:
        """Lend, for the first time or more; an automatic down payment pays itself."""
        product = self.terms
        is_more = any(isinstance(each.what, Lent) for each in self.told)
        down = product.down_payment_of(amount) if product.is_down_payment_automatic else 0
        overpaid = self.replay().overpaid if is_more and down else 0
        self.tell("lent", Lent(on, amount))
        if down > overpaid:
            self.tell("Down Payment", Payment(on=on, amount=down - overpaid))

    def forget_lent(self, *, only_last: bool) -> None:
        """Undo the last disbursement and what came after it, or all of them."""
        places = [n for n, each in enumerate(self.told) if isinstance(each.what, Lent)]
        if not places:
            raise NotCovered("nothing lent to undo")
        del self.told[places[-1 if only_last else 0] :]

    def list_told(self, kind: type[E]) -> list[E]:
        """Return what was told of one kind, in the order of telling."""
        return [each.what for each in self.told if isinstance(each.what, kind)]

    def forget(self, what: object) -> None:
        """Leave something out, as if it had never been."""
        place = next(n for n, each in enumerate(self.told) if each.what is what)
        del self.told[place]

    def change(self, what: Event, other: Event) -> None:
        """Let something have been another way, in the place where it was told."""
        place = next(n for n, each in enumerate(self.told) if each.what is what)
        self.told[place] = replace(self.told[place], what=other)

    def forget_last(self, kind: type[Event]) -> None:
        """Leave out the last of a kind."""
        found = self.list_told(kind)
        if not found:
            raise NotCovered("nothing to undo")
        self.forget(found[-1])

    def charge_at_lending(self, rate: Fraction) -> None:
        """Charge a part of what was lent so far, kept back from it; nothing is owed for it."""
        self.charged_at_lending += take_part(rate, sum(each.amount for each in self._list_lent()))

    def charge_part(self, part: Part, rate: Fraction, due: date | None) -> None:
        """Charge a part of principal and interest: of all on a day, or of each instalment."""
        rows = self._make_rows()
        amounts = [(row.due, row.principal + row.interest) for row in rows]
        if due is not None:
            amounts = [(due, sum(amount for _, amount in amounts))]
        for day, amount in amounts:
            self.charge(part, day, take_part(rate, amount))

    def charge(self, part: Part, due: date, amount: int) -> None:
        """Charge a fee or a penalty, known from today on if it is due later."""
        known_on = min(self.today, due)
        self.tell("charge", Charge(on=known_on, due=due, amount=amount, part=part))

    def waive(self) -> None:
        """Waive the charge that was made last."""
        charges = self.list_told(Charge)
        if not charges:
            raise NotCovered("nothing to waive")
        last = charges[-1]
        found = next(each for each in self.replay().instalments if last.due <= each.due)
        amount = min(last.amount, found.open_of(last.part))
        self.tell("waiver", Waiver(on=last.on, due=last.due, amount=amount, part=last.part))

    def close_day(self) -> None:
        """Charge what the product charges for each instalment that is overdue."""
        if self.is_recalculated_daily:
            self.recalculated_on = self.today
        rate = self.product.overdue_rate if self.product else None
        if rate is None or not self.list_told(Lent):
            return
        charged = {each.due for each in self.list_told(Charge)}
        for each in self.replay().instalments:
            if each.due < self.today and each.open and each.due not in charged:
                base = each.owed[Part.PRINCIPAL]
                if self.terms.is_overdue_interest_charged:
                    base += each.owed[Part.INTEREST]
                self.charge(Part.PENALTY, each.due, take_part(rate, base))

    def replay(self) -> Loan:
        """Return the loan as it stands; one that is not lent yet as it is planned."""
        first, *_ = self._list_lent()
        events: list[Event] = []
        for told in self.told:
            if not isinstance(told.what, Lent):
                events.append(told.what)
            elif told.what is not first:
                events.append(self._lend_more(told.what))
        rows = self._make_rows() if self.terms.rules is None else self._recalculate()
        return replay(first.amount, first.on, rows, events, self.terms.waterfall)

    def _list_lent(self) -> list[Lent]:
        """Return all that was lent, or is to be while nothing is."""
        return sorted(self.list_told(Lent), key=lambda each: each.on) or [self._plan()]

    def _plan(self) -> Lent:
        if self.planned is None:
            raise NotCovered("no loan is lent")
        return self.planned

    def _make_plan(self) -> Plan:
        """Return the plan of the rows: without interest, what is lent later is spread by itself."""
        terms, lent = self.terms, self._list_lent()
        parts = [Disbursement(*each) for each in (lent if terms.annual_rate else lent[:1])]
        plan = terms.make_plan(parts, self.starts_on)
        if terms.is_level_of_agreed and self.planned is not None and terms.annual_rate:
            agreed = terms.make_plan([Disbursement(*self.planned)], self.starts_on)
            plan = replace(plan, level=terms.make_schedule(agreed)[0].payment)
        return plan

    def _make_rows(self) -> list[Row]:
        terms, plan = self.terms, self._make_plan()
        if not terms.is_flat and self.new_rates:
            plan = replace(plan, rate_changes=tuple(self._list_rate_changes(plan)))
            return terms.make_schedule(plan)
        rows = terms.make_schedule(plan)
        for new in self.new_rates:
            later = terms.make_schedule(replace(plan, annual_rate=new.annual_rate))
            rows = [b if a.due >= new.due else a for a, b in zip(rows, later, strict=True)]
        return rows

    def _list_rate_changes(self, plan: Plan) -> Iterator[RateChange]:
        """Yield the new rates, each from the start of the first period that is due with it."""
        for new in self.new_rates:
            period = next((each for each in plan.periods if each.due >= new.due), None)
            if period is None:
                raise NotCovered("a new rate after the last instalment")
            yield RateChange(period.start, new.annual_rate)

    def pay_off(self, on: date) -> None:
        """Pay all that is open, with interest until that day."""
        terms, amount = self.terms, self.replay().open
        if terms.rules is not None:
            plan, receipts = self._make_plan(), self._list_receipts()
            amount = quote_payoff(plan, receipts, on, terms.rules, terms.make_schedule)
        self.tell("pay-off", Payment(on=on, amount=amount))

    def _recalculate(self) -> list[Row]:
        if any(not isinstance(each.what, _PLAIN_EVENTS) for each in self.told):
            raise NotCovered("more than payments on a loan whose interest is reckoned anew")
        if self.new_rates:
            raise NotCovered("a new rate of a loan whose interest is reckoned anew")
        terms, receipts, plan = self.terms, self._list_receipts(), self._make_plan()
        assert terms.rules is not None
        days = [plan.periods[0].start, self.recalculated_on, *(each.on for each in receipts)]
        return recalculate(plan, receipts, max(days), terms.rules, terms.make_schedule)

    def _list_receipts(self) -> list[Receipt]:
        """Return what each payment leaves for principal and interest, after charges."""
        events = [each.what for each in self.told if not isinstance(each.what, Lent)]
        payments = sorted(self.list_told(Payment), key=lambda each: each.on)
        if not any(isinstance(each, Charge) for each in events):
            return [Receipt(each.on, each.amount) for each in payments]
        (first, *_), rows, before = self._list_lent(), self._make_rows(), 0
        receipts = []
        for place, payment in enumerate(payments):
            later = {id(each) for each in payments[place + 1 :]}
            until = [e for e in events if e.on <= payment.on and id(e) not in later]
            loan = replay(first.amount, first.on, rows, until, self.terms.waterfall)
            charges = sum(
                each.paid[Part.FEE] + each.paid[Part.PENALTY] for each in loan.instalments
            )
            receipts.append(Receipt(payment.on, payment.amount - charges + before))
            before = charges
        return [each for each in receipts if each.amount > 0]

    def _lend_more(self, lent: Lent) -> MoreLent:
        product = self.terms
        return MoreLent(
            on=lent.on,
            amount=lent.amount,
            down_payment=product.down_payment_of(lent.amount),
            multiple=product.multiple,
            is_from_start=not product.is_progressive and not self.list_told(Extension),
            is_in_schedule=bool(product.annual_rate),
        )


def take_part(rate: Fraction, amount: int) -> int:
    """Return a part of an amount in whole minor units."""
    part = rate * amount
    return round_to(part.numerator, part.denominator, _CENT, Rounding.HALF_EVEN)
