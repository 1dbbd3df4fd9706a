"""Partners, plans, flows and settlements in the database; nothing is changed, only added."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.lending.partners.types import (
    FLOW_PARTS,
    Flow,
    NewAgreement,
    NewPartner,
    Partner,
    Plan,
    Share,
)

_PARTNERS: Final = """
    SELECT p.id, p.code, v.name_zh, v.name_en, p.currency, v.may_guarantee, v.is_open, v.version,
           v.effective_from, p.deposit_account_id, p.position_account_id
      FROM lending.partners p JOIN lending.partner_versions v ON v.partner_id = p.id
"""
_PLANS: Final = """
    SELECT p.id, a.code, p.version, coalesce(a.currency, s.currency) AS currency, p.effective_from,
           p.products, p.is_open, p.own_share, p.own_loss_share, p.approval_id, p.agreed_at
      FROM lending.funding_plans p
      LEFT JOIN lending.agreements a ON a.id = p.agreement_id
      LEFT JOIN lending.sales s ON s.id = p.sale_id
"""
_SHARES: Final = """
    SELECT s.plan_id, s.partner_id, p.code AS partner, s.share, s.loss_share, s.fee_share,
           p.position_account_id,
           (SELECT jsonb_object_agg(a.part, a.account_id) FROM lending.plan_accounts a
             WHERE a.plan_id = s.plan_id AND a.partner_id = s.partner_id) AS accounts
      FROM lending.plan_shares s JOIN lending.partners p ON p.id = s.partner_id
     WHERE s.plan_id = ANY(:plans) ORDER BY s.plan_id, s.place
"""
_PARTS: Final = ", ".join(FLOW_PARTS)
_GIVEN_PARTS: Final = ", ".join(f":{part}" for part in FLOW_PARTS)
_INSERT_FLOWS: Final = f"""
    INSERT INTO lending.partner_flows (entry_id, partner_id, plan_id, loan, day, {_PARTS})
    VALUES (:entry_id, :partner_id, :plan_id, :loan, :day, {_GIVEN_PARTS})
"""  # noqa: S608 - names of ours


async def lock_partners(uow: UnitOfWork) -> None:
    """Let nobody else add partners or agreements until this transaction ends; they are few."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('lending.partners'))")


async def lock_rows(uow: UnitOfWork, ids: Sequence[int]) -> None:
    """Lock partners, in order: what is lent with them waits for each other."""
    await uow.execute(
        "SELECT id FROM lending.partners WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE",
        ids=list(ids),
    )


async def list_partner_versions(uow: UnitOfWork, code: str) -> list[Partner]:
    """Return all versions of a partner, first first."""
    rows = await uow.execute(f"{_PARTNERS} WHERE p.code = :code ORDER BY v.version", code=code)
    return [Partner(**row._asdict()) for row in rows]


async def list_partners(uow: UnitOfWork, on: date, *, limit: int) -> list[Partner]:
    """Return each partner as it is on a day, by code."""
    rows = await uow.execute(
        f"""SELECT DISTINCT ON (code) * FROM ({_PARTNERS}) x WHERE effective_from <= :day
             ORDER BY code, version DESC LIMIT :limit""",  # noqa: S608 - a query of ours
        day=on,
        limit=limit,
    )
    return [Partner(**row._asdict()) for row in rows]


async def count_partners(uow: UnitOfWork) -> int:
    """Return how many partners there are."""
    count: int = await uow.fetch_value("SELECT count(*) FROM lending.partners")
    return count


async def insert_partner(
    uow: UnitOfWork, new: NewPartner, accounts: tuple[int, int], *, now: datetime
) -> int:
    """Write down a new partner and return its number."""
    number: int = await uow.fetch_value(
        """INSERT INTO lending.partners (code, currency, deposit_account_id, position_account_id,
                                         created_at)
           VALUES (:code, :currency, :deposit, :position, :now) RETURNING id""",
        code=new.code,
        currency=new.currency,
        deposit=accounts[0],
        position=accounts[1],
        now=now,
    )
    return number


async def insert_partner_version(
    uow: UnitOfWork,
    partner_id: int,
    version: int,
    new: NewPartner,
    *,
    approval_id: uuid.UUID,
    now: datetime,
) -> None:
    """Write down a version of a partner."""
    await uow.execute(
        """INSERT INTO lending.partner_versions (partner_id, version, effective_from, name_zh,
                  name_en, may_guarantee, is_open, approval_id, agreed_at)
           VALUES (:partner_id, :version, :effective_from, :name_zh, :name_en, :may_guarantee,
                  :is_open, :approval_id, :now)""",
        partner_id=partner_id,
        version=version,
        effective_from=new.effective_from,
        name_zh=new.name_zh,
        name_en=new.name_en,
        may_guarantee=new.may_guarantee,
        is_open=new.is_open,
        approval_id=approval_id,
        now=now,
    )


async def insert_agreement(uow: UnitOfWork, new: NewAgreement) -> int:
    """Write down an agreement's code, or find it, and return its number."""
    number: int = await uow.fetch_value(
        """WITH new AS (INSERT INTO lending.agreements (code, currency) VALUES (:code, :currency)
                        ON CONFLICT (code) DO NOTHING RETURNING id)
           SELECT id FROM new UNION ALL
           SELECT id FROM lending.agreements WHERE code = :code LIMIT 1""",
        code=new.code,
        currency=new.currency,
    )
    return number


async def insert_plan(
    uow: UnitOfWork,
    *,
    agreement_id: int | None,
    version: int | None,
    sale_id: uuid.UUID | None,
    effective_from: date,
    products: Sequence[str],
    is_open: bool,
    own: tuple[int, int],
    approval_id: uuid.UUID,
    now: datetime,
) -> int:
    """Write down a plan without its shares and return its number; `own` is our share and loss."""
    number: int = await uow.fetch_value(
        """INSERT INTO lending.funding_plans (agreement_id, version, sale_id, effective_from,
                  products, is_open, own_share, own_loss_share, approval_id, agreed_at)
           VALUES (:agreement_id, :version, :sale_id, :effective_from, CAST(:products AS text[]),
                  :is_open, :share, :loss_share, :approval_id, :now) RETURNING id""",
        agreement_id=agreement_id,
        version=version,
        sale_id=sale_id,
        effective_from=effective_from,
        products=list(products),
        is_open=is_open,
        share=own[0],
        loss_share=own[1],
        approval_id=approval_id,
        now=now,
    )
    return number


async def insert_share(
    uow: UnitOfWork,
    plan_id: int,
    partner_id: int,
    *,
    place: int,
    shares: tuple[int, int, int],
    accounts: Mapping[str, int],
) -> None:
    """Write down a partner's share, loss share and fee share of a plan, and its accounts."""
    await uow.execute(
        """INSERT INTO lending.plan_shares (plan_id, place, partner_id, share, loss_share,
                                            fee_share)
           VALUES (:plan_id, :place, :partner_id, :share, :loss_share, :fee_share)""",
        plan_id=plan_id,
        place=place,
        partner_id=partner_id,
        share=shares[0],
        loss_share=shares[1],
        fee_share=shares[2],
    )
    await uow.execute(
        """INSERT INTO lending.plan_accounts (plan_id, partner_id, part, account_id)
           SELECT :plan_id, :partner_id, n.* FROM unnest(CAST(:parts AS text[]),
                                                         CAST(:accounts AS bigint[])) n""",
        plan_id=plan_id,
        partner_id=partner_id,
        parts=list(accounts),
        accounts=list(accounts.values()),
    )


async def list_plans(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, Plan]:
    """Return plans by their numbers."""
    rows = await uow.execute(f"{_PLANS} WHERE p.id = ANY(:ids)", ids=list(ids))
    return {each.id: each for each in await _read_plans(uow, rows)}


async def list_agreement_versions(uow: UnitOfWork, code: str) -> list[Plan]:
    """Return all versions of an agreement, first first."""
    rows = await uow.execute(f"{_PLANS} WHERE a.code = :code ORDER BY p.version", code=code)
    return await _read_plans(uow, rows)


async def list_in_force(uow: UnitOfWork, on: date) -> list[Plan]:
    """Return the version of each agreement that is in force on a day, by code."""
    rows = await uow.execute(
        f"""{_PLANS} WHERE a.code IS NOT NULL AND p.effective_from <= :day
             ORDER BY a.code, p.version""",
        day=on,
    )
    return await _read_plans(uow, list({row.code: row for row in rows}.values()))


async def insert_flow(
    uow: UnitOfWork,
    flow: Flow,
    *,
    entry_id: uuid.UUID,
    partner_id: int,
    plan_id: int,
    loan: int,
    day: date,
) -> None:
    """Write down a partner's share of what an entry moved."""
    await uow.execute(
        _INSERT_FLOWS,
        entry_id=entry_id,
        partner_id=partner_id,
        plan_id=plan_id,
        loan=loan,
        day=day,
        **{part: getattr(flow, part) for part in FLOW_PARTS},
    )


async def insert_settlement(
    uow: UnitOfWork, partner_id: int, day: date, amount: int, *, entry_id: uuid.UUID, now: datetime
) -> None:
    """Write down what was settled with a partner until a day."""
    await uow.execute(
        """INSERT INTO lending.partner_settlements (partner_id, day, amount, entry_id,
                                                    settled_on, settled_at)
           VALUES (:partner_id, :day, :amount, :entry_id, :today, :now)""",
        partner_id=partner_id,
        day=day,
        amount=amount,
        entry_id=entry_id,
        today=business_day(now),
        now=now,
    )


async def _read_plans(uow: UnitOfWork, rows: Sequence[Row[Any]]) -> list[Plan]:
    shares: dict[int, list[Share]] = {}
    for row in await uow.execute(_SHARES, plans=[row.id for row in rows]):
        values = row._asdict()
        plan = values.pop("plan_id")
        position = values.pop("position_account_id")
        accounts = {**values["accounts"], "position": position}
        shares.setdefault(plan, []).append(Share(**{**values, "accounts": accounts}))
    return [
        Plan(**{**row._asdict(), "products": tuple(row.products), "shares": tuple(shares[row.id])})
        for row in rows
    ]
