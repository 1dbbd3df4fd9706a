"""What a payment settles of what is to be paid now, by the waterfall of the loan's product."""

from huitong.lending.loans.state import NEVER, State
from huitong.lending.loans.types import Instalment, Running
from huitong.lending.servicing import Instalment as Owed
from huitong.lending.servicing import Loan as OwedLoan
from huitong.lending.servicing import Part, Payment, Waterfall, allocate


def pay(running: Running, amount: int) -> int:
    """Settle what is to be paid now, by the product's waterfall; return what is left over."""
    state = running.state
    due = [each for each in running.instalments if each.number < state.next_number]
    due = [each for each in due if each.is_open]
    penalties, owed = state.penalty + state.compound, [_owed(each) for each in due]
    if state.fees or penalties:
        if not owed:
            owed.append(Owed(start=state.on_day, due=state.on_day, owed=[0] * len(Part)))
        owed[0].owed[Part.FEE] = state.fees
        owed[0].owed[Part.PENALTY] = penalties
    book = OwedLoan(0, owed)
    allocate(book, _waterfall(running), Payment(on=state.on_day, amount=amount))
    for each, found in zip(due, owed, strict=False):
        _take(state, each, found.paid[Part.PRINCIPAL], found.paid[Part.INTEREST])
    fees = sum(each.paid[Part.FEE] for each in owed)
    state.fees -= fees
    state.fees_paid += fees
    _take_penalty(state, sum(each.paid[Part.PENALTY] for each in owed))
    _age(running)
    return book.overpaid


def _owed(instalment: Instalment) -> Owed:
    found = Owed(
        start=instalment.start,
        due=instalment.due,
        owed=[instalment.principal, instalment.interest, 0, 0],
    )
    found.paid[Part.PRINCIPAL] = instalment.principal_paid
    found.paid[Part.INTEREST] = instalment.interest_paid
    return found


def _take(state: State, instalment: Instalment, principal_paid: int, interest_paid: int) -> None:
    principal = principal_paid - instalment.principal_paid
    interest = interest_paid - instalment.interest_paid
    instalment.principal_paid, instalment.interest_paid = principal_paid, interest_paid
    state.principal_paid += principal
    state.interest_paid += interest
    if instalment.due < state.on_day:
        state.overdue -= principal
        state.interest_overdue -= interest
    else:
        state.due -= principal
        state.interest_due -= interest


def _take_penalty(state: State, amount: int) -> None:
    from_penalty = min(state.penalty, amount)
    state.penalty -= from_penalty
    state.compound -= amount - from_penalty
    state.penalty_paid += amount


def _age(running: Running) -> None:
    state = running.state
    late = [
        each.due
        for each in running.instalments
        if each.number < state.next_number and each.due < state.on_day and each.is_open
    ]
    state.since_day = min(late, default=NEVER)


def _waterfall(running: Running) -> Waterfall:
    product = running.loan.product.terms
    is_bad = running.state.days_past_due > product.bad_days
    order = product.order_bad if is_bad else product.order
    return Waterfall(due=order, in_advance=order, walk=product.walk, is_by_due_date=False)
