"""Which instalment something belongs to."""

from datetime import date

from huitong.lending.servicing.types import Instalment, Loan, Part


def find(loan: Loan, day: date) -> Instalment | None:
    """Return the instalment in whose period a day lies, its due day included."""
    regular = [each for each in loan.instalments if not each.is_down_payment]
    if regular and day == regular[0].start:
        return regular[0]
    return next((each for each in regular if each.start < day <= each.due), None)


def find_or_add(loan: Loan, day: date) -> Instalment:
    """Return the instalment of a day; after the schedule's end there is one, due on the last day.

    What comes later than that moves its due day.
    """
    found = find(loan, day)
    if found is not None:
        return found
    last = loan.instalments[-1]
    if last.is_additional:
        last.due = day
        _show_refunds(loan, last)
        return last
    added = Instalment(start=last.due, due=day, owed=[0] * len(Part), is_additional=True)
    loan.instalments.append(added)
    _show_refunds(loan, added)
    return added


def _show_refunds(loan: Loan, added: Instalment) -> None:
    """Show what was given back of overpaid money within its days: lent again, and paid."""
    for on, amount in loan.refunded:
        if added.start < on <= added.due:
            added.owed[Part.PRINCIPAL] += amount
            added.lent_again += amount
            added.paid[Part.PRINCIPAL] += amount
            added.paid_early += amount if on < added.due else 0
    loan.refunded = [each for each in loan.refunded if not added.start < each[0] <= added.due]


def list_due_from(loan: Loan, day: date) -> list[Instalment]:
    """Return the instalments from one that is due on a day; raises ValueError if none is."""
    found = [each for each in loan.instalments if each.due >= day and not each.is_down_payment]
    if not found or found[0].due != day:
        raise ValueError(f"No instalment is due on {day}")
    return found
