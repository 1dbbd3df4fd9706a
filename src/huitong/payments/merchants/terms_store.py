"""Fee plans and merchants' terms in the database; nothing here is ever changed, only added."""

import uuid
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.engine import Row

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.payments.merchants.fees import FeeRule, PlanVersion
from huitong.payments.merchants.types import PayoutWay, Recovery, Terms

_TERMS: Final = """
    SELECT merchant_id, version, effective_from, plan, payout_way, cycle_days, cutoff_minutes,
           payout_min, reserve_permille, reserve_days, reserve_floor, recovery, approval_id,
           agreed_at
      FROM payments.merchant_terms
"""
_INSERT_TERMS: Final = """
    INSERT INTO payments.merchant_terms
           (merchant_id, version, effective_from, plan, payout_way, cycle_days, cutoff_minutes,
            payout_min, reserve_permille, reserve_days, reserve_floor, recovery, approval_id,
            agreed_at)
    VALUES (:merchant_id, :version, :effective_from, :plan, :payout_way, :cycle_days,
            :cutoff_minutes, :payout_min, :reserve_permille, :reserve_days, :reserve_floor,
            :recovery, :approval_id, :agreed_at)
"""
_INSERT_RULES: Final = """
    INSERT INTO payments.fee_rules (plan, version, kind, volume_from, rate_permille, fixed,
                                    fee_min, fee_max)
    SELECT $1, $2, n.* FROM unnest($3::text[], $4::bigint[], $5::numeric[], $6::bigint[],
                                   $7::bigint[], $8::bigint[]) n
"""


async def lock_plans(uow: UnitOfWork) -> None:
    """Let nobody else add a version of any plan until this transaction ends; they are few."""
    await uow.execute("SELECT pg_advisory_xact_lock(hashtext('payments.fee_plans'))")


async def find_plan_currency(uow: UnitOfWork, plan: str) -> str | None:
    """Return the currency of a fee plan; None if there is no such plan."""
    found: str | None = await uow.fetch_value(
        "SELECT currency FROM payments.fee_plans WHERE code = :code", code=plan
    )
    return found


async def insert_plan(
    uow: UnitOfWork, *, code: str, name_zh: str, name_en: str, currency: str, now: datetime
) -> None:
    """Write down a new plan; the caller has locked the plans."""
    await uow.execute(
        """INSERT INTO payments.fee_plans (code, name_zh, name_en, currency, created_at)
           VALUES (:code, :name_zh, :name_en, :currency, :now)""",
        code=code,
        name_zh=name_zh,
        name_en=name_en,
        currency=currency,
        now=now,
    )


async def insert_version(
    uow: UnitOfWork, version: PlanVersion, *, approval_id: uuid.UUID, now: datetime
) -> None:
    """Write down a version of a plan with its rules."""
    await uow.execute(
        """INSERT INTO payments.fee_plan_versions (plan, version, effective_from,
                                                   refunds_return_fee, refunds_draw_reserve,
                                                   refund_debt_max, approval_id, agreed_at)
           VALUES (:plan, :version, :effective_from, :refunds_return_fee, :refunds_draw_reserve,
                   :refund_debt_max, :approval_id, :now)""",
        plan=version.plan,
        version=version.version,
        effective_from=version.effective_from,
        refunds_return_fee=version.refunds_return_fee,
        refunds_draw_reserve=version.refunds_draw_reserve,
        refund_debt_max=version.refund_debt_max,
        approval_id=approval_id,
        now=now,
    )
    connection = await uow.driver()
    rules = version.rules
    await connection.execute(
        _INSERT_RULES,
        version.plan,
        version.version,
        [rule.kind for rule in rules],
        [rule.volume_from for rule in rules],
        [rule.rate_permille for rule in rules],
        [rule.fixed for rule in rules],
        [rule.fee_min for rule in rules],
        [rule.fee_max for rule in rules],
    )


async def list_versions(uow: UnitOfWork, plan: str) -> list[PlanVersion]:
    """Return all versions of a plan, first first."""
    rows = await uow.execute(
        """SELECT v.plan, v.version, v.effective_from, v.refunds_return_fee,
                  v.refunds_draw_reserve, v.refund_debt_max, r.kind,
                  r.volume_from, r.rate_permille, r.fixed, r.fee_min, r.fee_max
             FROM payments.fee_plan_versions v
             JOIN payments.fee_rules r ON r.plan = v.plan AND r.version = v.version
            WHERE v.plan = :plan ORDER BY v.version, r.kind, r.volume_from""",
        plan=plan,
    )
    return [
        PlanVersion(
            plan=group[0].plan,
            version=group[0].version,
            effective_from=group[0].effective_from,
            refunds_return_fee=group[0].refunds_return_fee,
            rules=tuple(_read_rule(row) for row in group),
            refunds_draw_reserve=group[0].refunds_draw_reserve,
            refund_debt_max=group[0].refund_debt_max,
        )
        for group in _group(rows)
    ]


async def list_plans(uow: UnitOfWork) -> list[tuple[str, str, str, str]]:
    """Return code, Chinese and English name and currency of every plan, by code."""
    rows = await uow.execute(
        "SELECT code, name_zh, name_en, currency FROM payments.fee_plans ORDER BY code"
    )
    return [(row.code, row.name_zh, row.name_en, row.currency) for row in rows]


async def insert_terms(uow: UnitOfWork, terms: Terms) -> None:
    """Write down a version of a merchant's terms."""
    await uow.execute(
        _INSERT_TERMS, **{each.name: getattr(terms, each.name) for each in fields(terms)}
    )


async def list_terms(uow: UnitOfWork, merchant_id: uuid.UUID) -> list[Terms]:
    """Return all versions of a merchant's terms, first first."""
    rows = await uow.execute(f"{_TERMS} WHERE merchant_id = :id ORDER BY version", id=merchant_id)
    return [_read_terms(row) for row in rows]


def find_in_force(versions: Sequence[Terms], on: date) -> Terms | None:
    """Return the terms of a day: of those that have begun, the version agreed on last."""
    begun = [terms for terms in versions if terms.effective_from <= on]
    return max(begun, key=lambda terms: terms.version) if begun else None


def _group(rows: Sequence[Row[Any]]) -> list[list[Row[Any]]]:
    groups: dict[int, list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault(row.version, []).append(row)
    return list(groups.values())


def _read_rule(row: Row[Any]) -> FeeRule:
    return FeeRule(
        kind=row.kind,
        volume_from=row.volume_from,
        rate_permille=row.rate_permille,
        fixed=row.fixed,
        fee_min=row.fee_min,
        fee_max=row.fee_max,
    )


def _read_terms(row: Row[Any]) -> Terms:
    return Terms(
        **{
            **row._asdict(),
            "payout_way": PayoutWay(row.payout_way),
            "recovery": Recovery(row.recovery),
        }
    )
