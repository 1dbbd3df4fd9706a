"""The life of a version: draft, shadow, live, retired; and what a process knows of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from huitong import risk
from huitong.kernel import audit
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import RULE_VERSION, show_id, uuid7
from huitong.risk import (
    BacktestMissing,
    FeatureType,
    Purpose,
    RuleCache,
    RulesAltered,
    RulesNotLoaded,
    RuleState,
    RuleStateRefused,
    RuleVersionNotFound,
)

CATALOGUE = {"amount": FeatureType.INTEGER, "is_new_payee": FeatureType.FLAG}


def make_cache(desk: Any, catalogue: Any = None) -> RuleCache:
    return RuleCache(desk.database, {Purpose.PAYMENT: catalogue or CATALOGUE}, now=lambda: desk.now)


async def test_a_version_goes_from_draft_to_live_and_leaves_a_trail(desk: Any) -> None:
    version = await desk.save()
    assert (version.number, version.state) == (1, RuleState.DRAFT)

    assert (await desk.shadow(version)).state is RuleState.SHADOW
    await desk.test_over_history(version)
    live = await desk.set_live(version)

    assert live.state is RuleState.LIVE
    assert live.decides_on(desk.now.date())
    records = await desk.run(
        lambda uow: audit.list_records(uow, subject=show_id(RULE_VERSION, version.id))
    )
    assert [record.action for record in records] == [
        "risk.set_rules_live",
        "risk.backtest_rules",
        "risk.shadow_rules",
        "risk.save_rules",
    ]
    assert all(record.details["digest"] == version.digest for record in records)
    found = await desk.run(lambda uow: risk.get_backtest(uow, version.id))
    assert found.result == {"rows": 1}


async def test_a_rule_that_does_not_compile_is_not_saved(desk: Any) -> None:
    with pytest.raises(InvalidField) as refused:
        await desk.save("amunt > 5")

    assert refused.value.field == "rules[0].predicate"
    assert refused.value.context == {"line": 1, "column": 1, "suggestions": ["amount"]}
    assert await desk.count("risk.rule_versions") == 0
    assert await desk.count("kernel.audit") == 0


async def test_nothing_goes_live_without_a_back_test_or_as_something_else(desk: Any) -> None:
    version = await desk.save()
    with pytest.raises(RuleStateRefused):
        await desk.set_live(version)
    await desk.shadow(version)
    with pytest.raises(BacktestMissing):
        await desk.set_live(version)
    with pytest.raises(RulesAltered):
        await desk.test_over_history(version, digest="0" * 64)
    await desk.test_over_history(version)
    with pytest.raises(RulesAltered):
        await desk.set_live(version, digest="0" * 64)
    with pytest.raises(InvalidField, match="before today"):
        await desk.set_live(version, days=-1)

    found = await desk.run(lambda uow: risk.get_rule_version(uow, version.id))
    assert found.state is RuleState.SHADOW


async def test_the_database_itself_refuses_what_was_not_tested_and_steps_back(desk: Any) -> None:
    version = await desk.save()
    statements = [
        "UPDATE risk.rule_versions SET state = 'live'",
        "UPDATE risk.rule_versions SET rules = '[]'",
        "DELETE FROM risk.rule_versions",
    ]
    for statement in statements:
        with pytest.raises(DBAPIError):
            await desk.run(lambda uow, statement=statement: uow.execute(statement))
    await desk.retire(version)
    with pytest.raises(DBAPIError, match="does not become"):
        await desk.run(lambda uow: uow.execute("UPDATE risk.rule_versions SET state = 'draft'"))


async def test_the_next_version_takes_over_on_its_day(desk: Any) -> None:
    first = await desk.make_live()
    second = await desk.make_live("amount > 10", days=3)
    today = desk.now.date()
    cache = make_cache(desk)
    await cache.learn_news()

    def decides(days: int) -> Any:
        live = cache.find(Purpose.PAYMENT, today + timedelta(days=days)).live
        return None if live is None else live.version.id

    assert [decides(days) for days in (-1, 0, 2, 3, 99)] == [
        None,
        first.id,
        first.id,
        second.id,
        second.id,
    ]
    # What begins later is not overtaken without a word.
    third = await desk.save("amount > 20")
    await desk.shadow(third)
    await desk.test_over_history(third)
    with pytest.raises(RuleStateRefused, match="Version 2 begins"):
        await desk.set_live(third)


async def test_a_version_can_be_replaced_on_the_day_on_which_it_began(desk: Any) -> None:
    await desk.make_live()
    second = await desk.make_live("amount > 10")
    cache = make_cache(desk)
    await cache.learn_news()

    live = cache.find(Purpose.PAYMENT, desk.now.date()).live
    assert live is not None
    assert live.version.id == second.id


async def test_one_retires_a_draft_and_two_what_is_live(desk: Any) -> None:
    draft = await desk.save()
    assert (await desk.retire(draft)).state is RuleState.RETIRED
    live = await desk.make_live()
    with pytest.raises(RuleStateRefused, match="Two people"):
        await desk.retire(live)

    retired = await desk.retire(live, approval_id=await desk.approve("risk.retire_rules"))

    assert retired.state is RuleState.RETIRED
    cache = make_cache(desk)
    await cache.learn_news()
    assert cache.find(Purpose.PAYMENT, desk.now.date()).live is None
    with pytest.raises(RuleStateRefused):
        await desk.shadow(live)


async def test_retiring_what_has_not_begun_leaves_its_days_to_the_one_before(desk: Any) -> None:
    first = await desk.make_live()
    second = await desk.make_live("amount > 10", days=3)

    await desk.retire(second, approval_id=await desk.approve("risk.retire_rules"))

    cache = make_cache(desk)
    await cache.learn_news()
    live = cache.find(Purpose.PAYMENT, desk.now.date() + timedelta(days=30)).live
    assert live is not None
    assert live.version.id == first.id


async def test_there_is_one_shadow_at_a_time(desk: Any) -> None:
    first, second = await desk.save(), await desk.save("amount > 7")

    said = await asyncio.gather(desk.shadow(first), desk.shadow(second), return_exceptions=True)

    assert sorted(type(each).__name__ for each in said) == ["RuleStateRefused", "RuleVersion"]


async def test_versions_that_are_saved_at_once_have_different_numbers(desk: Any) -> None:
    saved = await asyncio.gather(*(desk.save() for _ in range(5)))

    assert sorted(each.number for each in saved) == [1, 2, 3, 4, 5]
    page = await desk.run(
        lambda uow: risk.list_rule_versions(uow, Purpose.PAYMENT, before=5, limit=2)
    )
    assert [each.number for each in page] == [4, 3]


async def test_who_is_not_there_is_not_found(desk: Any) -> None:
    with pytest.raises(RuleVersionNotFound):
        await desk.run(lambda uow: risk.shadow_rules(uow, version_id=uuid7()))


async def test_a_process_learns_of_changes_and_compiles_only_what_is_new(desk: Any) -> None:
    cache = make_cache(desk)
    with pytest.raises(RulesNotLoaded):
        cache.find(Purpose.PAYMENT, desk.now.date())
    await cache.learn_news()
    assert cache.find(Purpose.PAYMENT, desk.now.date()).live is None

    live = await desk.make_live()
    await cache.learn_news()
    found = cache.find(Purpose.PAYMENT, desk.now.date())
    assert found.live is not None
    assert found.live.version == live
    assert found.shadow is None
    shadow = await desk.save("amount > 10")
    await desk.shadow(shadow)
    await cache.learn_news()

    then = cache.find(Purpose.PAYMENT, desk.now.date())
    assert then.live is not None
    assert then.live.rules is found.live.rules
    assert then.shadow is not None
    assert then.shadow.version.id == shadow.id
    # Another purpose has rules of its own, or none.
    assert cache.find(Purpose.LOAN, desk.now.date()).live is None


async def test_a_watching_process_decides_by_what_it_has_when_the_database_is_gone(
    desk: Any,
) -> None:
    live = await desk.make_live()
    cache = make_cache(desk)
    await cache.start()
    try:
        shadow = await desk.save("amount > 10")
        await desk.shadow(shadow)
        async with asyncio.timeout(10):
            while cache.find(Purpose.PAYMENT, desk.now.date()).shadow is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert cache.news_age_seconds < 5
    finally:
        await cache.stop()
    await desk.database.close()

    found = cache.find(Purpose.PAYMENT, desk.now.date()).live
    assert found is not None
    assert found.version.id == live.id


async def test_a_live_rule_whose_feature_is_gone_is_kept_and_reported(desk: Any) -> None:
    await desk.make_live("is_new_payee")
    cache = make_cache(desk, {"amount": FeatureType.INTEGER})

    await cache.learn_news()

    found = cache.find(Purpose.PAYMENT, desk.now.date()).live
    assert found is not None
    assert [rule.key for rule in found.rules.broken] == ["large"]
