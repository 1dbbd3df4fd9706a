"""Commands: the cost statement is shown and read, the contract signed, and the loan paid out."""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from huitong.kernel import audit
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import LOAN_APPLICATION, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.lending import limits
from huitong.lending.applications import store
from huitong.lending.applications.errors import OfferLapsed, StatementNotRead, WrongStage
from huitong.lending.applications.filling import lock_application, move, open_facts
from huitong.lending.applications.queries import get_application
from huitong.lending.applications.types import Application, Stage, Step
from huitong.lending.costs import CostStatement, make_statement, write_statement
from huitong.lending.loans import get_loan, open_loan, write_loan_terms
from huitong.lending.loans.types import Loan
from huitong.privacy import Vault

_READING: Final = "loan.disclosure.reading.seconds"


async def show_statement(
    uow: UnitOfWork, application_id: uuid.UUID, *, now: datetime
) -> tuple[Application, CostStatement]:
    """Return what the offer costs if it is lent today, and note when it was first shown.

    Another day's is another statement, to be read anew. Raises WrongStage, OfferLapsed.
    """
    application = await lock_application(uow, application_id, Stage.OFFERED)
    statement = _make(application, now=now)
    if application.statement_digest != statement.digest:
        shown = replace(
            application,
            statement_digest=statement.digest,
            statement_shown_at=now,
            statement_read_at=None,
        )
        details = {"digest": statement.digest.hex()}
        step = Step.STATEMENT_SHOWN
        application = await move(uow, shown, Stage.OFFERED, step, now=now, details=details)
    return application, statement


async def confirm_reading(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    *,
    digest: bytes,
    rulebook: Rulebook,
    now: datetime,
) -> Application:
    """Note that the applicant has read the statement that was shown, for as long as they must.

    Raises WrongStage, OfferLapsed, and StatementNotRead with the seconds that are left, or if
    another statement was shown.
    """
    application = await lock_application(uow, application_id, Stage.OFFERED)
    _check_offer(application, now=now)
    shown_at = application.statement_shown_at
    if shown_at is None or application.statement_digest != digest:
        raise StatementNotRead("this statement was not shown", field="digest")
    must = timedelta(seconds=rulebook.integer(_READING, business_day(now)))
    if now - shown_at < must:
        left = -((shown_at + must - now) // -timedelta(seconds=1))
        raise StatementNotRead(f"read on for {left} seconds", context={"seconds_left": left})
    if application.statement_read_at is not None:
        return application
    read = replace(application, statement_read_at=now)
    return await move(uow, read, Stage.OFFERED, Step.STATEMENT_READ, now=now)


async def get_contract(
    uow: UnitOfWork, application_id: uuid.UUID, *, now: datetime
) -> Mapping[str, Any]:
    """Return the contract as it would be signed today; raises WrongStage, StatementNotRead."""
    application = await get_application(uow, application_id)
    if application.stage is not Stage.OFFERED:
        raise WrongStage(
            f"the application is {application.stage.value}, not offered",
            context={"stage": application.stage.value},
        )
    return _write_contract(application, _check_read(application, now=now))


def digest_contract(contract: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of a contract, by which it is signed."""
    return hashlib.sha256(json.dumps(contract, sort_keys=True).encode()).digest()


async def sign_and_lend(
    uow: UnitOfWork,
    vault: Vault,
    application_id: uuid.UUID,
    *,
    contract_digest: bytes,
    loan_id: uuid.UUID,
    proof: str,
    rulebook: Rulebook,
    now: datetime,
) -> tuple[Application, Loan]:
    """Sign the contract and pay the loan out, both or neither.

    `proof` is how the applicant proved who they are (step-up); it is kept with the signature.
    Signed again, the loan that stands is returned. Raises WrongStage, OfferLapsed,
    StatementNotRead, InvalidField for another contract, and what `open_loan` raises.
    """
    application = await lock_application(uow, application_id, Stage.OFFERED, Stage.LENT)
    if application.stage is Stage.LENT:
        return application, await _find_lent(uow, application, contract_digest)
    statement = _check_read(application, now=now)
    contract = _write_contract(application, statement)
    if digest_contract(contract) != contract_digest:
        raise InvalidField("is not the contract that was shown today", field="contract_digest")
    assert application.offer is not None, "the table says so"
    facts = await open_facts(uow, vault, application)
    mandatory = {name: facts[name] for name in application.product.terms.mandatory}
    loan = await open_loan(
        uow,
        replace(application.offer, facts=mandatory, application=str(application.id)),
        loan_id=loan_id,
        product=application.product.code,
        customer_id=application.customer_id,
        borrower_account_id=application.borrower_account_id,
        payout_account_id=application.payout_account_id,
        rulebook=rulebook,
        now=now,
    )
    signed = replace(application, contract_digest=contract_digest, signed_at=now, loan_id=loan.id)
    details = {"contract": contract_digest.hex(), "proof": proof}
    kept = {**details, "content": contract}
    moved = await move(uow, signed, Stage.LENT, Step.SIGNED, now=now, details=kept)
    await audit.record(
        uow,
        action="lending.sign_contract",
        subject=show_id(LOAN_APPLICATION, application.id),
        details=details,
    )
    return moved, loan


async def withdraw_application(
    uow: UnitOfWork, application_id: uuid.UUID, *, now: datetime
) -> Application:
    """End an application as its applicant; raises WrongStage once it has ended."""
    application = await lock_application(
        uow, application_id, Stage.DRAFT, Stage.REVIEW, Stage.OFFERED
    )
    return await move(uow, application, Stage.WITHDRAWN, Step.WITHDRAWN, now=now)


async def lapse_applications(uow: UnitOfWork, *, now: datetime) -> int:
    """End some applications that nobody went on with in time; returns how many."""
    before = now - timedelta(days=limits.OFFER_DAYS)
    stale = await store.lock_stale(uow, before, limits.LAPSES_AT_ONCE_MAX)
    for each in stale:
        await move(uow, each, Stage.LAPSED, Step.LAPSED, now=now)
    return len(stale)


def _make(application: Application, *, now: datetime) -> CostStatement:
    _check_offer(application, now=now)
    assert application.offer is not None, "the table says so"
    return make_statement(application.offer, application.product, on=business_day(now))


def _check_offer(application: Application, *, now: datetime) -> None:
    until = application.offer_until
    if until is None or business_day(now) > until:
        raise OfferLapsed(f"the offer was good until {until}")


def _check_read(application: Application, *, now: datetime) -> CostStatement:
    statement = _make(application, now=now)
    if application.statement_read_at is None or application.statement_digest != statement.digest:
        raise StatementNotRead("read the cost statement of today first")
    return statement


async def _find_lent(uow: UnitOfWork, application: Application, contract_digest: bytes) -> Loan:
    if application.contract_digest != contract_digest:
        raise InvalidField("is not the contract that was signed", field="contract_digest")
    assert application.loan_id is not None, "the table says so"
    return await get_loan(uow, application.loan_id)


def _write_contract(application: Application, statement: CostStatement) -> dict[str, Any]:
    assert application.offer is not None, "the table says so"
    return {
        "application": show_id(LOAN_APPLICATION, application.id),
        "borrower": str(application.customer_id),
        "parties": [[str(each.customer_id), each.role.value] for each in application.parties],
        "collateral": [
            [each.kind.value, each.description, each.value] for each in application.collateral
        ],
        "terms": write_loan_terms(application.offer),
        "cost_statement": write_statement(statement),
    }
