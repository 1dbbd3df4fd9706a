"""The life of a version of rules: saved, tried in shadow, tested over history, live, retired.

What has no effect (drafts, shadows, back-tests) one member of staff does alone; what decides about
customers takes two: `set_rules_live` and `retire_rules` of what is live want an approval's id.
"""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import BACKTEST, RULE_VERSION, show_id
from huitong.risk.decisioning.rules import store
from huitong.risk.decisioning.rules.errors import (
    BacktestMissing,
    RulesAltered,
    RuleStateRefused,
    RuleVersionNotFound,
)
from huitong.risk.decisioning.rules.rule_sets import RuleSet, digest_rules, write_rules
from huitong.risk.decisioning.rules.types import Backtest, Purpose, RuleState, RuleVersion
from huitong.risk.decisioning.versions import life

_KIND: Final = life.VersionKind(
    versions=store.VERSIONS,
    thing="rules",
    prefix=RULE_VERSION,
    scope="purpose",
    refusal=RuleStateRefused,
    numbers_max=limits.RULE_VERSIONS_MAX,
)


async def save_rules(
    uow: UnitOfWork,
    *,
    version_id: uuid.UUID,
    purpose: Purpose,
    rules: RuleSet,
    now: datetime,
) -> RuleVersion:
    """Save rules, which `read_rules` compiled, as the next version of a purpose: a draft.

    Compiling many rules takes a while, so it is done before, outside of the transaction. Raises
    ValueError for rules that do not compile any more, InvalidField and LimitExceeded.
    """
    if rules.broken:
        raise ValueError(f"{rules.broken[0].key} does not compile")
    text = write_rules(rules.rules)
    await store.lock_purpose(uow, purpose)
    number = await life.find_next_number(uow, _KIND, purpose.value)
    version = RuleVersion(
        id=version_id,
        purpose=purpose,
        number=number,
        rules=text,
        digest=digest_rules(text),
        state=RuleState.DRAFT,
        created_by=uow.caller.actor,
        created_at=now,
    )
    await store.insert_version(uow, version)
    await life.record(uow, _KIND, "save_rules", version)
    return version


async def shadow_rules(uow: UnitOfWork, *, version_id: uuid.UUID) -> RuleVersion:
    """Let a draft be evaluated and recorded beside what decides, without effect.

    Raises RuleVersionNotFound, and RuleStateRefused if it is no draft or there is a shadow already.
    """
    version = await _hold(uow, version_id, RuleState.DRAFT)
    if await store.find_in_state(uow, version.purpose, RuleState.SHADOW):
        raise RuleStateRefused("There is a shadow already; retire it first.")
    await store.VERSIONS.set_state(uow, version_id, RuleState.SHADOW)
    await life.record(uow, _KIND, "shadow_rules", version)
    return await get_rule_version(uow, version_id)


async def record_backtest(
    uow: UnitOfWork,
    *,
    backtest_id: uuid.UUID,
    version_id: uuid.UUID,
    digest: str,
    result: Mapping[str, Any],
    now: datetime,
) -> Backtest:
    """Store what a draft or shadow would have done; `digest` is of the rules that were tested.

    Raises RuleVersionNotFound, RuleStateRefused, RulesAltered.
    """
    version = await _hold(uow, version_id, RuleState.DRAFT, RuleState.SHADOW)
    if digest != version.digest:
        raise RulesAltered("The back-test is of other rules.", field="digest")
    backtest = Backtest(
        id=backtest_id,
        version_id=version_id,
        result=result,
        created_by=uow.caller.actor,
        created_at=now,
    )
    await store.insert_backtest(uow, backtest)
    await life.record(
        uow, _KIND, "backtest_rules", version, backtest=show_id(BACKTEST, backtest_id)
    )
    return backtest


async def check_can_go_live(
    uow: UnitOfWork, *, version_id: uuid.UUID, digest: str, effective_from: date, now: datetime
) -> RuleVersion:
    """Return a shadow that was tested, held until the end.

    Raises RuleVersionNotFound, RuleStateRefused, RulesAltered, BacktestMissing, and InvalidField
    for a day that is over.
    """
    version = await _hold(uow, version_id, RuleState.SHADOW)
    if digest != version.digest:
        raise RulesAltered("The digest is not that of these rules.", field="digest")
    if version.backtest_id is None:
        raise BacktestMissing("Test these rules over stored history first.")
    life.check_day(effective_from, now)
    return version


async def set_rules_live(
    uow: UnitOfWork,
    *,
    version_id: uuid.UUID,
    digest: str,
    effective_from: date,
    approval_id: uuid.UUID,
    now: datetime,
) -> RuleVersion:
    """Let a shadow decide from a business day on; the version before decides until then.

    Raises RuleVersionNotFound, RuleStateRefused (no shadow, or another version begins on that day
    or later), BacktestMissing, RulesAltered, and InvalidField for a day that is over.
    """
    version = await check_can_go_live(
        uow, version_id=version_id, digest=digest, effective_from=effective_from, now=now
    )
    await life.begin(
        uow, _KIND, version, effective_from=effective_from, approval_id=approval_id, now=now
    )
    return await get_rule_version(uow, version_id)


async def retire_rules(
    uow: UnitOfWork,
    *,
    version_id: uuid.UUID,
    now: datetime,
    approval_id: uuid.UUID | None = None,
) -> RuleVersion:
    """End a version for good, at once; one that has not begun leaves its time to the one before.

    What is live wants an approval. Raises RuleVersionNotFound and RuleStateRefused.
    """
    version = await _hold(uow, version_id, RuleState.DRAFT, RuleState.SHADOW, RuleState.LIVE)
    await life.end(uow, _KIND, version, approval_id=approval_id, now=now)
    return await get_rule_version(uow, version_id)


async def get_rule_version(uow: UnitOfWork, version_id: uuid.UUID) -> RuleVersion:
    """Return a version; raises RuleVersionNotFound."""
    version = await store.find_version(uow, version_id)
    if version is None:
        raise RuleVersionNotFound(f"There is no version {show_id(RULE_VERSION, version_id)}")
    return version


async def get_backtest(uow: UnitOfWork, version_id: uuid.UUID) -> Backtest | None:
    """Return the newest back-test of a version, or None; raises RuleVersionNotFound."""
    version = await get_rule_version(uow, version_id)
    if version.backtest_id is None:
        return None
    return await store.find_backtest(uow, version.backtest_id)


async def list_rule_versions(
    uow: UnitOfWork,
    purpose: Purpose,
    *,
    before: int = limits.RULE_VERSIONS_MAX + 1,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[RuleVersion]:
    """Return a page of versions, newest first, with numbers below `before`; raises InvalidField."""
    life.check_page(limit)
    return await store.list_versions(uow, purpose, before=before, limit=limit)


async def _hold(uow: UnitOfWork, version_id: uuid.UUID, *states: RuleState) -> RuleVersion:
    """Return a version in one of the states, while nobody else changes its purpose."""
    await store.lock_purpose(uow, (await get_rule_version(uow, version_id)).purpose)
    version = await get_rule_version(uow, version_id)
    life.check_state(_KIND, version, states)
    return version
