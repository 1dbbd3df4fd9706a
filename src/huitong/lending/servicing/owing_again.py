"""Money that goes back to the borrower: charge-backs, refunds, payments that are given back."""

from datetime import date

from huitong.lending.servicing.instalments import find, find_or_add
from huitong.lending.servicing.types import (
    ChargeBack,
    GivenBack,
    Instalment,
    Loan,
    Part,
    Payment,
    Refund,
    Waterfall,
)
from huitong.lending.servicing.waterfalls import allocate


def charge_back(event: ChargeBack, loan: Loan, waterfall: Waterfall) -> None:
    """Lend again what was taken back; without an order of parts, overpaid money covers it first."""
    if not event.first and event.amount <= loan.overpaid:
        _take_overpaid(loan, event.amount)
        return
    instalment = find_or_add(loan, event.on)
    left = event.amount
    for part in event.first:
        owed = sum(each.owed[part] for each in loan.instalments) - loan.given_back[part]
        paid = min(owed, sum(each.paid[part] for each in loan.instalments))
        again = min(left, paid - loan.given_back[part])
        instalment.owed[part] += again
        loan.given_back[part] += again
        left -= again
    _owe_again(instalment, left)
    use_overpaid(loan, waterfall, event.on)


def refund(event: Refund, loan: Loan, waterfall: Waterfall) -> None:
    """Give overpaid money back; where there is an instalment, it is lent again and paid at once."""
    instalment = find(loan, event.on)
    covered = min(event.amount, loan.overpaid)
    if instalment is None and covered == event.amount:
        loan.refunded.append((event.on, covered))
    if (instalment is None or instalment.is_additional) and covered < event.amount:
        covered = 0
    _take_overpaid(loan, covered)
    if event.amount > covered:
        _owe_again(instalment or find_or_add(loan, event.on), event.amount - covered)
        use_overpaid(loan, waterfall, event.on)


def give_back(event: GivenBack, loan: Loan, waterfall: Waterfall) -> None:
    """Open again what was paid last, after what had been overpaid.

    The latest instalment comes first, and within it the part that a payment settles last. Raises
    ValueError if less was paid.
    """
    left = event.amount - min(event.amount, loan.overpaid)
    _take_overpaid(loan, event.amount - left)
    for instalment in reversed(loan.instalments):
        for part in reversed(waterfall.due):
            left -= _open_again(instalment, part, left)
    if left:
        raise ValueError(f"{event.amount} cannot be given back: less was paid")


def use_overpaid(loan: Loan, waterfall: Waterfall, on: date | None = None) -> None:
    """Let what was paid too much settle what is owed now, as of a day or of each payment's own."""
    credited, loan.credits = loan.credits, []
    for paid_on, amount in credited:
        allocate(loan, waterfall, Payment(on=on or paid_on, amount=amount))


def _take_overpaid(loan: Loan, amount: int) -> None:
    """Use up overpaid money, the earliest first."""
    kept = []
    for on, credit in loan.credits:
        taken = min(credit, amount)
        amount -= taken
        if credit > taken:
            kept.append((on, credit - taken))
    loan.credits = kept


def _owe_again(instalment: Instalment, principal: int) -> None:
    instalment.owed[Part.PRINCIPAL] += principal
    instalment.lent_again += principal
    instalment.settled_on = None


def _open_again(instalment: Instalment, part: Part, amount: int) -> int:
    opened = min(instalment.paid[part], amount)
    if opened:
        instalment.paid[part] -= opened
        instalment.paid_early -= min(opened, instalment.paid_early)
        instalment.paid_late -= min(opened, instalment.paid_late)
        instalment.settled_on = None
    return opened
