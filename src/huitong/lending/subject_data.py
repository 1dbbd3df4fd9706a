"""What lending offers to people's requests about their data: loans, applications, reports."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN, LOAN_APPLICATION, LOAN_LINE, show_id
from huitong.kernel.money import Money
from huitong.lending import collections, limits, lines
from huitong.lending.applications import (
    Application,
    Stage,
    Step,
    erase_applications,
    erase_person,
    list_application_steps,
    list_applications,
    list_opened_reports,
    open_facts,
)
from huitong.lending.loans import Loan, LoanState, list_loans
from huitong.privacy import Erasure, Json, Kept, Vault, kept_until

_TRANSACTIONS: Final = "transaction_records"
_APPLICATIONS: Final = "loan_applications"
_OPEN: Final = frozenset({Stage.DRAFT, Stage.REVIEW, Stage.OFFERED})
_GIVEN_UP: Final = frozenset({Stage.WITHDRAWN, Stage.LAPSED})
_FORGET: Final = """
    UPDATE lending.loans SET terms = jsonb_set(terms, '{facts}', '{}') WHERE customer_id = :id
"""


class LendingData:
    """The loans and applications of a customer, and the credit reports about them.

    What was lent and repaid stays, whatever is asked; of applications without a loan what is known
    of people goes.
    """

    room: Final = "lending"
    correctable: Final[frozenset[str]] = frozenset()

    def __init__(self, vault: Vault) -> None:
        """Open facts and reports with the keys of this vault."""
        self._vault = vault

    async def export(self, uow: UnitOfWork, subject_id: uuid.UUID) -> Mapping[str, Json]:
        """Return loans with their contacts, lines, applications, complaints and credit reports.

        Each up to its limit; the words of complaints are sealed and left out.
        """
        loans: list[Json] = []
        for loan in await _list(uow, subject_id):
            history = await collections.get_history(uow, loan)
            loans.append(_show(loan) | _show_history(history, loan.currency))
        applications = await list_applications(uow, subject_id)
        complaints = await collections.list_complaints(uow, subject_id)
        data: dict[str, Json] = {
            "loans": loans,
            "lines": [_show_line(line) for line in await lines.list_lines(uow, subject_id)],
            "loan_applications": [await self._show_application(uow, each) for each in applications],
            "loan_complaints": [_show_complaint(each) for each in complaints],
            "credit_reports": await list_opened_reports(
                uow, self._vault, subject_id, most=limits.EXPORT_REPORTS_MAX
            ),
        }
        return {name: listed for name, listed in data.items() if listed}

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
        """Return `open_loans` while anything is owed, after writing off as well.

        And `open_loan_applications` while one is filled in, decided or offered.
        """
        loans = await _list(uow, subject_id)
        found = []
        if any(each.stage in _OPEN for each in await list_applications(uow, subject_id)):
            found.append("open_loan_applications")
        if any(loan.state is not LoanState.PAID_OFF for loan in loans):
            found.append("open_loans")
        return tuple(found)

    async def erase(self, uow: UnitOfWork, subject_id: uuid.UUID, *, now: datetime) -> Erasure:
        """Erase what was given up without a decision; say until when the rest is kept.

        A refusal is kept for as long as the schedule says, a loan as long as the law does.
        """
        today, kept = business_day(now), []
        applications = await list_applications(uow, subject_id)
        given_up = [each.id for each in applications if each.stage in _GIVEN_UP]
        refused = [each.changed_at for each in applications if each.stage is Stage.REFUSED]
        ended = [loan.ended_on for loan in await _list(uow, subject_id) if loan.ended_on]
        if ended:
            until_on = kept_until(_TRANSACTIONS, max(ended), on=today)
            kept.append(Kept(data_class=_TRANSACTIONS, until_on=until_on))
        if refused:
            until_on = kept_until(_APPLICATIONS, business_day(max(refused)), on=today)
            kept.append(Kept(data_class=_APPLICATIONS, until_on=until_on))
        return Erasure(erased=await erase_applications(uow, given_up), kept=tuple(kept))

    async def forget(self, uow: UnitOfWork, subject_id: uuid.UUID) -> None:
        """Take away what was noted of a borrower beside the contract's numbers."""
        await uow.execute(_FORGET, id=subject_id)
        await erase_person(uow, subject_id)

    async def _show_application(self, uow: UnitOfWork, application: Application) -> Json:
        steps = await list_application_steps(uow, application.id)
        wish = application.wish
        currency = application.product.currency
        return {
            "id": show_id(LOAN_APPLICATION, application.id),
            "product": application.product.code,
            "stage": application.stage.value,
            "amount": None if wish is None else Money(wish.principal, currency).to_json(),
            "use": None if wish is None else wish.use,
            "facts": await open_facts(uow, self._vault, application),
            "collateral": [each.description for each in application.collateral],
            "reasons": [{"zh": each.zh, "en": each.en} for each in application.reasons],
            "appeal": next(
                (each.details.get("words") for each in steps if each.step is Step.APPEALED), None
            ),
            "started_at": application.started_at.isoformat(),
            "changed_at": application.changed_at.isoformat(),
        }


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
