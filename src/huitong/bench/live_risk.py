"""Risk as a bank runs it, for the benchmarks: with the shipped model and the default rules."""

from datetime import datetime
from typing import Final

from huitong import risk
from huitong.bench.scratch import Scratch
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook

# What staff do with their own hands, by two of them, is put where it would stand.
_ADD_STAFF: Final = """
INSERT INTO identity.staff (id, name_sealed, email_sealed, email_index, state, created_at)
VALUES ($1, 'bench', 'bench', sha256(uuid_send($1)), 'active', $2)
"""
_ADD_APPROVAL: Final = r"""
INSERT INTO identity.approvals (id, act, payload, digest, reason, requested_by, requested_at,
                                expires_at, state, decided_by, decided_at, decision_reason, outcome)
VALUES ($1, 'risk.set_rules_live', '{}', sha256('risk.set_rules_live\012{}'::bytea), 'bench', $2,
        $4, $4::timestamptz + interval '1 day', 'approved', $3, $4, 'bench', '{}')
"""


async def install_live_risk(scratch: Scratch, *, now: datetime) -> int:
    """Make the shipped model champion and the default rules live; return how many rules."""
    approval_id, maker, checker = uuid7(), uuid7(), uuid7()
    owner = await scratch.connect_owner()
    try:
        for member in (maker, checker):
            await owner.execute(_ADD_STAFF, member, now)
        await owner.execute(_ADD_APPROVAL, approval_id, maker, checker, now)
    finally:
        await owner.close()
    day = business_day(now)
    rules = risk.read_rules(
        risk.default_rules(risk.Purpose.PAYMENT, Rulebook.load(), day), risk.PAYMENT_FEATURES
    )

    async def install(uow: UnitOfWork) -> None:
        await risk.install_start_model(uow, now=now)
        version = await risk.save_rules(
            uow, version_id=uuid7(), purpose=risk.Purpose.PAYMENT, rules=rules, now=now
        )
        await risk.shadow_rules(uow, version_id=version.id)
        await risk.record_backtest(
            uow,
            backtest_id=uuid7(),
            version_id=version.id,
            digest=version.digest,
            result={},
            now=now,
        )
        await risk.set_rules_live(
            uow,
            version_id=version.id,
            digest=version.digest,
            effective_from=day,
            approval_id=approval_id,
            now=now,
        )

    async with scratch.open_as_owner() as database:
        await database.run(install)
    return len(rules.rules)
