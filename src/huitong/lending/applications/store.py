"""Applications in the database."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.applications.types import (
    Application,
    Collateral,
    CollateralKind,
    Party,
    Reason,
    Role,
    ScoredStep,
    Stage,
    Step,
    StepTaken,
)
from huitong.lending.loans.payloads import read_loan_terms, write_loan_terms
from huitong.lending.loans.types import LoanTerms
from huitong.lending.products import find_version

_SELECT: Final = """
    SELECT id, customer_id, product_id, product_version, stage, borrower_account_id,
           payout_account_id, wish, parties, collateral, reasons, offer, offer_until, has_appealed,
           is_decided_by_person, decision_id, statement_digest, statement_shown_at,
           statement_read_at, contract_digest, signed_at, loan_id, device_id, started_at,
           changed_at
      FROM lending.applications
"""


async def insert_application(uow: UnitOfWork, application: Application) -> None:
    """Write down a new application."""
    await uow.execute(
        """INSERT INTO lending.applications (id, customer_id, product_id, product_version,
                                             borrower_account_id, payout_account_id, started_at,
                                             changed_at)
           VALUES (:id, :customer_id, :product_id, :version, :borrower, :payout, :now, :now)
           ON CONFLICT (id) DO NOTHING""",
        id=application.id,
        customer_id=application.customer_id,
        product_id=application.product.id,
        version=application.product.version,
        borrower=application.borrower_account_id,
        payout=application.payout_account_id,
        now=application.started_at,
    )


async def save_application(uow: UnitOfWork, application: Application) -> None:
    """Write down how an application that is locked stands now."""
    await uow.execute(
        """UPDATE lending.applications
              SET stage = :stage, payout_account_id = :payout, wish = CAST(:wish AS jsonb),
                  parties = CAST(:parties AS jsonb), collateral = CAST(:collateral AS jsonb),
                  reasons = CAST(:reasons AS jsonb), offer = CAST(:offer AS jsonb),
                  offer_until = :offer_until, has_appealed = :has_appealed,
                  is_decided_by_person = :by_person, decision_id = :decision_id,
                  statement_digest = :statement_digest, statement_shown_at = :shown_at,
                  statement_read_at = :read_at, contract_digest = :contract_digest,
                  signed_at = :signed_at, loan_id = :loan_id, device_id = :device_id,
                  changed_at = :changed_at
            WHERE id = :id""",
        id=application.id,
        stage=application.stage.value,
        payout=application.payout_account_id,
        wish=_write_terms(application.wish),
        parties=json.dumps([_write_party(each) for each in application.parties]),
        collateral=json.dumps([_write_collateral(each) for each in application.collateral]),
        reasons=json.dumps([_write_reason(each) for each in application.reasons]),
        offer=_write_terms(application.offer),
        offer_until=application.offer_until,
        has_appealed=application.has_appealed,
        by_person=application.is_decided_by_person,
        decision_id=application.decision_id,
        statement_digest=application.statement_digest,
        shown_at=application.statement_shown_at,
        read_at=application.statement_read_at,
        contract_digest=application.contract_digest,
        signed_at=application.signed_at,
        loan_id=application.loan_id,
        device_id=application.device_id,
        changed_at=application.changed_at,
    )


async def save_facts(uow: UnitOfWork, application_id: uuid.UUID, sealed: bytes) -> None:
    """Write down the sealed facts of an application."""
    await uow.execute(
        "UPDATE lending.applications SET facts = :facts WHERE id = :id",
        facts=sealed,
        id=application_id,
    )


async def find_facts(uow: UnitOfWork, application_id: uuid.UUID) -> bytes | None:
    """Return the sealed facts of an application, if it has any."""
    found: bytes | None = await uow.fetch_value(
        "SELECT facts FROM lending.applications WHERE id = :id", id=application_id
    )
    return found


async def find_application(
    uow: UnitOfWork, application_id: uuid.UUID, *, for_update: bool = False
) -> Application | None:
    """Return an application, locked until the transaction ends if it is to be changed."""
    lock = "FOR UPDATE" if for_update else ""
    row = await uow.fetch_one(f"{_SELECT} WHERE id = :id {lock}", id=application_id)
    return None if row is None else await _read(uow, row)


async def list_of_customer(uow: UnitOfWork, customer_id: uuid.UUID, most: int) -> list[Application]:
    """Return a customer's applications, the latest first."""
    rows = await uow.execute(
        f"{_SELECT} WHERE customer_id = :id ORDER BY started_at DESC, id DESC LIMIT :most",
        id=customer_id,
        most=most,
    )
    return [await _read(uow, row) for row in rows]


async def list_to_review(uow: UnitOfWork, most: int) -> list[Application]:
    """Return the applications that wait for people, the longest waiting first."""
    rows = await uow.execute(
        f"{_SELECT} WHERE stage = 'review' ORDER BY changed_at, id LIMIT :most", most=most
    )
    return [await _read(uow, row) for row in rows]


async def lock_stale(uow: UnitOfWork, before: datetime, most: int) -> list[Application]:
    """Return, locked, applications that nobody went on with since a time."""
    rows = await uow.execute(
        f"""{_SELECT} WHERE stage IN ('draft', 'offered') AND changed_at < :before
            ORDER BY changed_at LIMIT :most FOR UPDATE SKIP LOCKED""",
        before=before,
        most=most,
    )
    return [await _read(uow, row) for row in rows]


async def add_step(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    step: Step,
    actor: str,
    *,
    now: datetime,
    details: Mapping[str, Any],
) -> None:
    """Add to the history of an application that is locked."""
    await uow.execute(
        """INSERT INTO lending.application_steps
                  (application_id, position, step, actor, at, details)
           SELECT :id, coalesce(max(position), 0) + 1, :step, :actor, :now, CAST(:details AS jsonb)
             FROM lending.application_steps WHERE application_id = :id""",
        id=application_id,
        step=step.value,
        actor=actor,
        now=now,
        details=json.dumps(details),
    )


async def list_steps(uow: UnitOfWork, application_id: uuid.UUID) -> list[StepTaken]:
    """Return the history of an application, first first."""
    rows = await uow.execute(
        """SELECT position, step, actor, at, details FROM lending.application_steps
            WHERE application_id = :id ORDER BY position""",
        id=application_id,
    )
    return [StepTaken(**{**row._asdict(), "step": Step(row.step)}) for row in rows]


async def list_scored(
    uow: UnitOfWork, *, since: datetime, until: datetime, limit: int
) -> list[ScoredStep]:
    """Return what applications of a period were scored with, the latest first."""
    rows = await uow.execute(
        """SELECT at, details->'records'->'score'->'features' AS features
             FROM lending.application_steps
            WHERE step = 'decided' AND at >= :since AND at < :until
              AND details->'records'->'score'->'features' IS NOT NULL
            ORDER BY at DESC LIMIT :limit""",
        since=since,
        until=until,
        limit=limit,
    )
    return [ScoredStep(**row._asdict()) for row in rows]


async def _read(uow: UnitOfWork, row: Row[Any]) -> Application:
    values = row._asdict()
    number, version = values.pop("product_id"), values.pop("product_version")
    return Application(
        **{
            **values,
            "product": await find_version(uow, number, version),
            "stage": Stage(row.stage),
            "wish": _read_terms(row.wish),
            "offer": _read_terms(row.offer),
            "parties": tuple(_read_party(each) for each in row.parties),
            "collateral": tuple(_read_collateral(each) for each in row.collateral),
            "reasons": tuple(Reason(**each) for each in row.reasons),
            "statement_digest": _bytes(row.statement_digest),
            "contract_digest": _bytes(row.contract_digest),
        }
    )


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _write_terms(terms: LoanTerms | None) -> str | None:
    return None if terms is None else json.dumps(write_loan_terms(terms))


def _read_terms(stored: Mapping[str, Any] | None) -> LoanTerms | None:
    return None if stored is None else read_loan_terms(stored)


def _write_party(party: Party) -> dict[str, str]:
    return {"customer_id": str(party.customer_id), "role": party.role.value}


def _read_party(stored: Mapping[str, str]) -> Party:
    return Party(customer_id=uuid.UUID(stored["customer_id"]), role=Role(stored["role"]))


def _write_collateral(collateral: Collateral) -> dict[str, Any]:
    return {
        "kind": collateral.kind.value,
        "description": collateral.description,
        "value": collateral.value,
    }


def _read_collateral(stored: Mapping[str, Any]) -> Collateral:
    return Collateral(**{**stored, "kind": CollateralKind(stored["kind"])})


def _write_reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "zh": reason.zh, "en": reason.en}


def write_reasons(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """Return reasons as the history keeps them."""
    return [_write_reason(each) for each in reasons]


async def count_recent(
    uow: UnitOfWork, application: Application, *, since: datetime
) -> tuple[int, int, int]:
    """Return how many others a customer handed in and was refused, and applicants on a device."""
    row = await uow.fetch_one(
        """SELECT count(*) FILTER (WHERE customer_id = :customer_id AND id <> :id) AS submitted,
                  count(*) FILTER (WHERE customer_id = :customer_id AND id <> :id
                                     AND stage = 'refused') AS refused,
                  count(DISTINCT customer_id) FILTER (WHERE device_id = :device_id) AS applicants
             FROM lending.applications
            WHERE (customer_id = :customer_id OR device_id = :device_id)
              AND changed_at > :since AND stage NOT IN ('draft', 'withdrawn', 'lapsed')
                  OR id = :id""",
        id=application.id,
        customer_id=application.customer_id,
        device_id=application.device_id,
        since=since,
    )
    assert row is not None, "counts are one row"
    return row.submitted, row.refused, row.applicants


async def find_query(
    uow: UnitOfWork, application_id: uuid.UUID, subject_id: uuid.UUID, *, since: datetime
) -> Row[Any] | None:
    """Return the last question about a person for an application since an instant."""
    return await uow.fetch_one(
        """SELECT id, subject_id, consent_id, asked_at, answered_at FROM lending.report_queries
            WHERE application_id = :id AND subject_id = :subject_id AND asked_at > :since
            ORDER BY asked_at DESC LIMIT 1""",
        id=application_id,
        subject_id=subject_id,
        since=since,
    )


async def insert_query(
    uow: UnitOfWork,
    application_id: uuid.UUID,
    *,
    query_id: uuid.UUID,
    subject_id: uuid.UUID,
    consent_id: uuid.UUID,
    now: datetime,
) -> None:
    """Write down that a report is asked for."""
    await uow.execute(
        """INSERT INTO lending.report_queries (id, application_id, subject_id, consent_id, asked_at)
           VALUES (:id, :application_id, :subject_id, :consent_id, :now)""",
        id=query_id,
        application_id=application_id,
        subject_id=subject_id,
        consent_id=consent_id,
        now=now,
    )


async def save_answer(
    uow: UnitOfWork,
    query_id: uuid.UUID,
    *,
    verdict: str,
    trouble: str | None,
    report: bytes | None,
    now: datetime,
) -> None:
    """Write down the first answer to a question."""
    await uow.execute(
        """UPDATE lending.report_queries
              SET verdict = :verdict, trouble = :trouble, report = :report,
                  answered_at = greatest(asked_at, :now)
            WHERE id = :id AND answered_at IS NULL""",
        id=query_id,
        verdict=verdict,
        trouble=trouble,
        report=report,
        now=now,
    )


async def find_report(
    uow: UnitOfWork, application_id: uuid.UUID, subject_id: uuid.UUID
) -> bytes | None:
    """Return the last sealed report of a person that an application was given."""
    found: bytes | None = await uow.fetch_value(
        """SELECT report FROM lending.report_queries
            WHERE application_id = :id AND subject_id = :subject_id AND report IS NOT NULL
            ORDER BY asked_at DESC LIMIT 1""",
        id=application_id,
        subject_id=subject_id,
    )
    return found
