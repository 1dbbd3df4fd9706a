"""What lending offers to people's requests about their data: their loans, kept by law."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN, LOAN_LINE, show_id
from huitong.kernel.money import Money
from huitong.lending import collections, limits, lines
from huitong.lending.loans import Loan, LoanState, list_loans
from huitong.privacy import Erasure, Json, Kept, kept_until

_TRANSACTIONS: Final = "transaction_records"
_FORGET: Final = """
    UPDATE lending.loans SET terms = jsonb_set(terms, '{facts}', '{}') WHERE customer_id = :id
"""


class LendingData:
    """The loans of a customer; what was lent and repaid stays, whatever is asked."""

    room: Final = "lending"
    correctable: Final[frozenset[str]] = frozenset()

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return the first `limits.EXPORT_LOANS_MAX` loans, contacts, lines and complaints.

        The words of complaints are sealed and left out.
        """
        loans: list[Json] = []
        for loan in await _list(uow, subject_id):
            history = await collections.get_history(uow, loan)
            loans.append(_show(loan) | _show_history(history, loan.currency))
        complaints: list[Json] = [
            _show_complaint(each) for each in await collections.list_complaints(uow, subject_id)
        ]
        own: list[Json] = [_show_line(line) for line in await lines.list_lines(uow, subject_id)]
        found = (("loans", loans), ("lines", own), ("loan_complaints", complaints))
        return {name: each for name, each in found if each}

    async def correct(
        self,
        uow: UnitOfWork,  # noqa: ARG002 - the protocol's, as the others below
        subject_id: uuid.UUID,  # noqa: ARG002
        corrections: Mapping[str, str],
        *,
        now: datetime,  # noqa: ARG002
    ) -> None:
        """Refuse: a contract is what was agreed."""
        raise InvalidField("cannot be corrected here", field=min(corrections))

    async def blockers(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Sequence[str]:
        """Return `open_loans` while anything is owed, after writing off as well."""
        loans = await _list(uow, subject_id)
        is_open = any(loan.state is not LoanState.PAID_OFF for loan in loans)
        return ("open_loans",) if is_open else ()

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Erase nothing, and say until when the law keeps the loan that ended last."""
        ended = [loan.ended_on for loan in await _list(uow, subject_id) if loan.ended_on]
        if not ended:
            return Erasure(erased=0)
        until_on = kept_until(_TRANSACTIONS, max(ended), on=business_day(now))
        return Erasure(erased=0, kept=(Kept(data_class=_TRANSACTIONS, until_on=until_on),))

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Take away what was noted of a borrower beside the contract's numbers."""
        await uow.execute(_FORGET, id=subject_id)


async def _list(uow: UnitOfWork, subject_id: uuid.UUID) -> list[Loan]:
    return await list_loans(uow, customer_id=subject_id, limit=limits.EXPORT_LOANS_MAX)


def _show_line(line: lines.Line) -> dict[str, Json]:
    return {
        "id": show_id(LOAN_LINE, line.id),
        "product": line.product,
        "state": line.state.value,
        "amount": Money(line.amount, line.currency).to_json(),
        "opened_on": line.opened_on.isoformat(),
        "ends_on": line.ends_on.isoformat(),
    }


def _show(loan: Loan) -> dict[str, Json]:
    return {
        "id": show_id(LOAN, loan.id),
        "product": loan.product.code,
        "state": loan.state.value,
        "principal": Money(loan.terms.principal, loan.currency).to_json(),
        "use": loan.terms.use,
        "facts": dict(loan.terms.facts),
        "lent_on": loan.lent_on.isoformat(),
        "ended_on": None if loan.ended_on is None else loan.ended_on.isoformat(),
    }


def _show_history(history: collections.History, currency: str) -> dict[str, Json]:
    """Return how a borrower was contacted and what they asked for; nothing if that never was."""
    contacts: list[Json] = [
        {
            "channel": each.channel.value,
            "made_at": each.made_at.isoformat(),
            "text": each.text_zh,
            "outcome": None if each.outcome is None else each.outcome.value,
        }
        for each in history.contacts
    ]
    promises: list[Json] = [
        {
            "amount": Money(each.amount, currency).to_json(),
            "pay_by": each.pay_by.isoformat(),
            "state": each.state.value,
        }
        for each in history.promises
    ]
    requests: list[Json] = [
        {
            "cause": each.cause.value,
            "asked_at": each.asked_at.isoformat(),
            "state": each.state.value,
        }
        for each in history.hardships
    ]
    shown: dict[str, list[Json]] = {
        "contacts": contacts,
        "promises": promises,
        "hardship_requests": requests,
    }
    return {name: values for name, values in shown.items() if values}


def _show_complaint(complaint: collections.Complaint) -> dict[str, Json]:
    return {
        "about": complaint.about.value,
        "made_at": complaint.made_at.isoformat(),
        "answer": complaint.answer_zh,
    }
