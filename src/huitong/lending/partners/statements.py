"""Statements of partners by business days, and settling what is between us."""

import uuid
from datetime import date, datetime, timedelta
from typing import Final

from huitong.kernel import audit, logs
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import SYSTEM, Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.ledger import Entry, Request, Transfer, TransferCode, post_entries
from huitong.lending.partners import limits, store
from huitong.lending.partners.commands import get_partner
from huitong.lending.partners.errors import PartnerMoneyRefused
from huitong.lending.partners.types import (
    FLOW_PARTS,
    Flow,
    Partner,
    PartnerStatement,
    StatementDay,
)

_log = logs.get_logger(__name__)
_SUMS: Final = ", ".join(f"sum({part})::bigint AS {part}" for part in FLOW_PARTS)
_OR_NOTHING: Final = ", ".join(f"coalesce(f.{part}, 0) AS {part}" for part in FLOW_PARTS)
_DAYS: Final = f"""
    WITH flows AS (
        SELECT day, {_SUMS} FROM lending.partner_flows
         WHERE partner_id = :partner AND day BETWEEN :first AND :last GROUP BY day
    ), settled AS (
        SELECT settled_on AS day, sum(amount)::bigint AS amount
          FROM lending.partner_settlements WHERE partner_id = :partner GROUP BY 1
    )
    SELECT coalesce(f.day, s.day) AS day, {_OR_NOTHING},
           coalesce(s.amount, 0) AS settled
      FROM flows f FULL JOIN settled s ON s.day = f.day
     WHERE coalesce(f.day, s.day) BETWEEN :first AND :last ORDER BY 1
"""  # noqa: S608 - names of ours
_OWED: Final = """
    SELECT coalesce((SELECT sum(owed) FROM lending.partner_flows
                      WHERE partner_id = :partner AND day < :day), 0)
         - coalesce((SELECT sum(amount) FROM lending.partner_settlements
                      WHERE partner_id = :partner AND settled_on < :day), 0)
"""
_TO_SETTLE: Final = """
    SELECT coalesce((SELECT sum(owed) FROM lending.partner_flows
                      WHERE partner_id = :partner AND day <= :day), 0)
         - coalesce((SELECT sum(amount) FROM lending.partner_settlements
                      WHERE partner_id = :partner), 0)
"""
_IS_SETTLED: Final = """
    SELECT EXISTS (SELECT FROM lending.partner_settlements
                    WHERE partner_id = :partner AND day >= :day)
"""


async def get_partner_statement(
    uow: UnitOfWork, code: str, *, first: date, last: date, now: datetime
) -> PartnerStatement:
    """Return what moved with a partner on days from the first to the last, both included.

    Raises PartnerNotFound, and InvalidField for days in the wrong order or too many.
    """
    partner = await get_partner(uow, code, on=business_day(now))
    if not 0 <= (last - first).days < limits.STATEMENT_DAYS_MAX:
        most = limits.STATEMENT_DAYS_MAX
        raise InvalidField(f"must be at or after `first`, at most {most} days in all", field="last")
    opening = int(await uow.fetch_value(_OWED, partner=partner.id, day=first))
    owed, days = opening, []
    for row in await uow.execute(_DAYS, partner=partner.id, first=first, last=last):
        flow = Flow(**{part: getattr(row, part) for part in FLOW_PARTS})
        owed += flow.owed - row.settled
        days.append(StatementDay(day=row.day, flow=flow, settled=row.settled, closing=owed))
    return PartnerStatement(
        partner=code, currency=partner.currency, opening=opening, days=tuple(days)
    )


async def settle_partner(
    uow: UnitOfWork, partner: Partner, *, until: date, now: datetime
) -> int | None:
    """Settle all that moved with a partner until a day that is over; return what it was paid.

    What we owe goes to its deposit with us; what it owes comes from there. Below zero it paid; None
    if nothing is between us or the day is settled. Raises InvalidField for a day that is not over,
    PartnerMoneyRefused if its deposit has too little.
    """
    if until >= business_day(now):
        raise InvalidField("must be over", field="until")
    await store.lock_rows(uow, [partner.id])
    if await uow.fetch_value(_IS_SETTLED, partner=partner.id, day=until):
        return None
    amount = int(await uow.fetch_value(_TO_SETTLE, partner=partner.id, day=until))
    if amount == 0:
        return None
    sides = (partner.position_account_id, partner.deposit_account_id)
    debit, credit = sides if amount > 0 else sides[::-1]
    entry_id = await post_with_partner(
        uow,
        [(debit, credit, abs(amount))],
        code=TransferCode.LOAN_PARTNER_SETTLED,
        currency=partner.currency,
        now=now,
    )
    await store.insert_settlement(uow, partner.id, until, amount, entry_id=entry_id, now=now)
    details = {"until": until.isoformat(), "amount": amount}
    await audit.record(uow, action="lending.settle_partner", subject=partner.code, details=details)
    return amount


async def settle_partners(
    database: Database, *, now: datetime, caller: Caller = SYSTEM
) -> dict[str, int]:
    """Settle until yesterday with each partner, in transactions of their own; return the amounts.

    A partner whose deposit has too little is told in the log and tried again the next time.
    """
    today = business_day(now)
    until = today - timedelta(days=1)
    async with database.reading(caller) as uow:
        partners = await store.list_partners(uow, today, limit=limits.PARTNERS_MAX)
    settled = {}
    for partner in partners:

        async def settle(uow: UnitOfWork, partner: Partner = partner) -> int | None:
            return await settle_partner(uow, partner, until=until, now=now)

        try:
            amount = await database.run(settle, caller)
        except Refusal as refusal:
            _log.warning("lending.partner_not_settled", partner=partner.code, reason=refusal.code)
            continue
        if amount is not None:
            settled[partner.code] = amount
    return settled


async def post_with_partner(
    uow: UnitOfWork,
    moves: list[tuple[int, int, int]],
    *,
    code: TransferCode,
    currency: str,
    now: datetime,
) -> uuid.UUID:
    """Post one entry of moves, each a debit, a credit and an amount; return its id.

    Raises PartnerMoneyRefused.
    """
    now_ms = int(now.timestamp() * 1_000)
    entry = Entry(
        tuple(
            Transfer(
                id=uuid7(now_ms),
                debit_account_id=debit,
                credit_account_id=credit,
                amount=amount,
                currency=currency,
                code=code,
                effective_on=business_day(now),
            )
            for debit, credit, amount in moves
        ),
        uuid7(now_ms),
    )
    outcome = (await post_entries(uow, [Request(entry)], now=now))[0]
    if not outcome.is_posted:
        raise PartnerMoneyRefused(
            f"the ledger refuses the movement: {outcome.reason}",
            context={"reason": str(outcome.reason)},
        )
    assert entry.id is not None, "it was made above"
    return entry.id
