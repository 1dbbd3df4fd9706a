"""All SQL of what belongs to payments abroad: tracker, messages, charges, hits, reports."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.payments.crossborder.screening import Hit
from huitong.payments.crossborder.types import Direction, Event, LegCharge, Report


async def add_event(
    uow: UnitOfWork,
    payment_id: uuid.UUID,
    step: str,
    *,
    happened_at: datetime,
    now: datetime,
    detail: str | None = None,
) -> bool:
    """Write down a step of the tracker; False if it stands already."""
    rows = await uow.execute(
        """INSERT INTO payments.crossborder_events
                  (payment_id, step, happened_at, recorded_at, detail)
           VALUES (:payment_id, :step, :happened_at, :now, :detail)
           ON CONFLICT DO NOTHING RETURNING step""",
        payment_id=payment_id,
        step=step,
        happened_at=happened_at,
        now=now,
        detail=detail,
    )
    return bool(rows)


async def list_events(uow: UnitOfWork, payment_id: uuid.UUID) -> list[Event]:
    """Return the steps of a payment, as they were recorded."""
    rows = await uow.execute(
        """SELECT step, happened_at, recorded_at, detail FROM payments.crossborder_events
            WHERE payment_id = :id""",
        id=payment_id,
    )
    return [Event(**row._asdict()) for row in rows]


async def add_message(
    uow: UnitOfWork, *, sender: str, message_id: str, name: str, digest: bytes, now: datetime
) -> tuple[bytes, dict[str, object]] | None:
    """Write down a message; the digest and outcome of an earlier one with the same id, if any."""
    rows = await uow.execute(
        """INSERT INTO payments.crossborder_messages
                  (sender, message_id, name, digest, outcome, taken_at)
           VALUES (:sender, :message_id, :name, :digest, '{}', :now)
           ON CONFLICT DO NOTHING RETURNING message_id""",
        sender=sender,
        message_id=message_id,
        name=name,
        digest=digest,
        now=now,
    )
    if rows:
        return None
    row = await uow.fetch_one(
        """SELECT digest, outcome FROM payments.crossborder_messages
            WHERE sender = :sender AND message_id = :message_id""",
        sender=sender,
        message_id=message_id,
    )
    assert row is not None, "it was there a moment ago, and none is deleted"
    return row.digest, row.outcome


async def set_outcome(
    uow: UnitOfWork, *, sender: str, message_id: str, outcome: dict[str, object]
) -> None:
    """Write down what came of a message."""
    await uow.execute(
        """UPDATE payments.crossborder_messages SET outcome = CAST(:outcome AS jsonb)
            WHERE sender = :sender AND message_id = :message_id""",
        sender=sender,
        message_id=message_id,
        outcome=msgspec.json.encode(outcome).decode(),
    )


async def add_charges(uow: UnitOfWork, payment_id: uuid.UUID, charges: Sequence[LegCharge]) -> None:
    """Write down what banks on the way took."""
    for place, charge in enumerate(charges):
        await uow.execute(
            """INSERT INTO payments.crossborder_charges
                      (payment_id, leg, place, agent, currency, amount)
               VALUES (:payment_id, :leg, :place, :agent, :currency, :amount)
               ON CONFLICT DO NOTHING""",
            payment_id=payment_id,
            leg=charge.leg,
            place=place,
            agent=charge.agent,
            currency=charge.amount.currency,
            amount=charge.amount.minor,
        )


async def list_charges(uow: UnitOfWork, payment_id: uuid.UUID) -> list[LegCharge]:
    """Return what banks on the way took, leg by leg."""
    rows = await uow.execute(
        """SELECT leg, agent, currency, amount FROM payments.crossborder_charges
            WHERE payment_id = :id ORDER BY leg, place""",
        id=payment_id,
    )
    return [
        LegCharge(leg=row.leg, agent=row.agent, amount=Money(row.amount, row.currency))
        for row in rows
    ]


async def add_report(uow: UnitOfWork, report: Report) -> None:
    """Write down the balance-of-payments record of a payment, once."""
    await uow.execute(
        """INSERT INTO payments.crossborder_reports
                  (payment_id, direction, bop_code, country, currency, amount, usd_amount,
                   is_business, needs_return, on_day)
           VALUES (:payment_id, :direction, :bop_code, :country, :currency, :amount, :usd_amount,
                   :is_business, :needs_return, :on_day)
           ON CONFLICT DO NOTHING""",
        payment_id=report.payment_id,
        direction=report.direction.value,
        bop_code=report.bop_code,
        country=report.country,
        currency=report.amount.currency,
        amount=report.amount.minor,
        usd_amount=report.usd.minor,
        is_business=report.is_business,
        needs_return=report.needs_return,
        on_day=report.on_day,
    )


async def list_reports(uow: UnitOfWork, on_day: date, *, limit: int) -> list[Report]:
    """Return the records of a day."""
    rows = await uow.execute(
        """SELECT payment_id, direction, bop_code, country, currency, amount, usd_amount,
                  is_business, needs_return, on_day
             FROM payments.crossborder_reports
            WHERE on_day = :on_day ORDER BY payment_id LIMIT :limit""",
        on_day=on_day,
        limit=limit,
    )
    return [
        Report(
            payment_id=row.payment_id,
            direction=Direction(row.direction),
            bop_code=row.bop_code,
            country=row.country,
            amount=Money(row.amount, row.currency),
            usd=Money(row.usd_amount, "USD"),
            is_business=row.is_business,
            needs_return=row.needs_return,
            on_day=row.on_day,
        )
        for row in rows
    ]


async def add_hits(uow: UnitOfWork, payment_id: uuid.UUID, hits: Sequence[Hit]) -> None:
    """Write down which listed names fit."""
    for hit in hits:
        await uow.execute(
            """INSERT INTO payments.crossborder_hits
                      (payment_id, list, entry, side, score, name, why)
               VALUES (:payment_id, :list, :entry, :side, :score, :name, :why)
               ON CONFLICT DO NOTHING""",
            payment_id=payment_id,
            list=hit.list,
            entry=hit.entry,
            side=hit.side,
            score=hit.score,
            name=hit.name,
            why=hit.why,
        )


async def list_hits(uow: UnitOfWork, payment_id: uuid.UUID) -> list[Hit]:
    """Return which listed names fit a payment's, best first."""
    rows = await uow.execute(
        """SELECT side, list, entry, name, score, why FROM payments.crossborder_hits
            WHERE payment_id = :id ORDER BY score DESC, list, entry""",
        id=payment_id,
    )
    return [Hit(**row._asdict()) for row in rows]
