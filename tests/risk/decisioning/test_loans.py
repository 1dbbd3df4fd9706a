"""Applications for loans are decided by rules, and by the table of who may borrow at all."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import Caller, Database, UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.risk import Action, Purpose

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
CATALOGUE = risk.default_catalogue(Purpose.LOAN)
RULEBOOK = Rulebook.load()
HONEST: Mapping[str, risk.Value] = {
    "amount": 1_000_000,
    "term_months": 12,
    "age": 35,
    "monthly_income": 1_200_000,
    "amount_to_income": 0.83,
    "debt_to_income": 0.2,
    "debts": 500_000,
    "lenders": 1,
    "overdue_days": 0,
    "overdue_days_24m": 0,
    "applications_30d": 0,
    "refusals_30d": 0,
    "inquiries_30d": 1,
    "account_age_days": 400,
    "is_new_device": False,
    "device_applicants_30d": 1,
    "is_night": False,
    "is_contact_changed": False,
}


@dataclass(frozen=True)
class Application:
    id: uuid.UUID
    entities: tuple[risk.Entity, ...] = ()


@dataclass
class Counter:
    """Where lending decides: rules of loans in a cache, and a decider over them."""

    desk: Desk
    rules: risk.RuleCache
    decider: risk.Decider

    async def decide(self, *, at: datetime = NOW, **change: Any) -> risk.Decision:
        async def command(uow: UnitOfWork) -> risk.Decision:
            given = {**HONEST, **change}
            (decided,) = await self.decider.decide(uow, [Application(uuid7())], [given], at=at)
            await risk.record_decisions(uow, [decided])
            return decided

        decided: risk.Decision = await self.desk.run(command)
        return decided

    async def go_live(self) -> None:
        document = risk.default_rules(Purpose.LOAN, RULEBOOK, business_day(NOW))
        rules = risk.read_rules(document, CATALOGUE)
        version = await self.desk.run(
            lambda uow: risk.save_rules(
                uow, version_id=uuid7(), purpose=Purpose.LOAN, rules=rules, now=NOW
            )
        )
        await self.desk.shadow(version)
        await risk.backtest_now(
            self.desk.database,
            backtest_id=uuid7(),
            version_id=version.id,
            days=30,
            caller=Caller(actor="stf_test"),
            now=NOW,
            parties={},
        )
        await self.desk.set_live(version)
        await self.rules.learn_news()


@pytest.fixture
def counter(database: Database) -> Counter:
    rules = risk.RuleCache(database, {Purpose.LOAN: CATALOGUE}, now=lambda: NOW)
    desk = Desk(database, now=NOW, catalogue=CATALOGUE, purpose=Purpose.LOAN)
    return Counter(desk, rules, risk.Decider(Purpose.LOAN, database, rules, RULEBOOK))


@pytest.mark.parametrize(
    ("change", "rule", "action"),
    [
        ({}, None, Action.ALLOW),
        ({"applications_30d": 3}, "many_applications", Action.REVIEW),
        ({"applications_30d": 2}, None, Action.ALLOW),
        ({"inquiries_30d": 7}, "many_inquiries", Action.REVIEW),
        ({"inquiries_30d": None}, None, Action.ALLOW),
        ({"device_applicants_30d": 3}, "many_applicants_on_one_device", Action.REVIEW),
        (
            {"account_age_days": 3, "amount": 5_000_001},
            "new_customer_and_large_amount",
            Action.REVIEW,
        ),
        ({"account_age_days": 3, "amount": 5_000_000}, None, Action.ALLOW),
        (
            {"is_new_device": True, "is_contact_changed": True},
            "new_device_after_changed_contact",
            Action.REVIEW,
        ),
        ({"is_new_device": True, "is_night": True}, "new_device_at_night", Action.STEP_UP),
        ({"amount_to_income": 20.01}, "amount_far_above_income", Action.REVIEW),
        (
            {"monthly_income": None, "amount_to_income": None, "amount": 5_000_001},
            "income_not_known",
            Action.REVIEW,
        ),
    ],
)
async def test_default_rules_of_loans_decide_and_replay(
    counter: Counter, change: Any, rule: str | None, action: Action
) -> None:
    await counter.go_live()
    decided = await counter.decide(**change)
    assert (decided.action, decided.hits) == (action, () if rule is None else (rule,))
    stored = await counter.desk.run(lambda uow: risk.get_decision(uow, decided.id))
    assert (await counter.desk.run(lambda uow: risk.replay_decision(uow, stored))).is_same
    reasons = await counter.desk.run(lambda uow: risk.explain_decision(uow, stored))
    assert [each.code for each in reasons] == ([] if rule is None else [rule])


async def test_before_rules_were_read_people_decide(counter: Counter) -> None:
    decided = await counter.decide()
    assert (decided.action, decided.fallback) == (Action.REVIEW, risk.Fallback.NO_RULES)


async def test_a_feature_that_is_missing_or_wrong_is_named_and_nothing_is_written(
    counter: Counter,
) -> None:
    await counter.go_live()
    for change in ({"age": "35"}, {"shoe_size": 42}, {"debt_to_income": float("nan")}):
        with pytest.raises(InvalidField) as refused:
            await counter.decide(**change)
        assert refused.value.field == f"features.{next(iter(change))}"
    assert await counter.desk.count("risk.decisions") == 0


async def test_a_new_version_is_tested_over_the_applications_that_were_decided(
    counter: Counter,
) -> None:
    await counter.go_live()
    yesterday = NOW - timedelta(days=1)
    # On the day before nothing was live, and decisions were kept all the same.
    for change in ({}, {"amount": 9_000_000}, {"debt_to_income": 0.9}):
        await counter.decide(at=yesterday, **change)
    version = await counter.desk.save("debt_to_income > 0.5 or amount > 8000000")

    stored = await risk.backtest_now(
        counter.desk.database,
        backtest_id=uuid7(),
        version_id=version.id,
        days=7,
        caller=Caller(actor="stf_test"),
        now=NOW,
        parties={},
    )

    assert stored.result["stopped"]["rows"] == 2
    assert stored.result["stopped"]["amount_minor"] == 10_000_000
    assert stored.result["honest"] is None
    assert "no_customers" in [each["code"] for each in stored.result["notes"]]


async def test_eligibility_and_decision_stand_side_by_side_for_an_application(
    counter: Counter,
) -> None:
    await counter.go_live()
    document = risk.default_table("loan_eligibility", RULEBOOK, business_day(NOW))
    table = risk.read_table(document, risk.get_schema("loan_eligibility"))
    version = await counter.desk.run(
        lambda uow: risk.save_table(uow, version_id=uuid7(), table=table, now=NOW)
    )
    approval_id = await counter.desk.approve("risk.set_table_live")
    await counter.desk.run(
        lambda uow: risk.set_table_live(
            uow,
            version_id=version.id,
            digest=version.digest,
            effective_from=business_day(NOW),
            approval_id=approval_id,
            now=NOW,
        )
    )
    decided = await counter.decide()
    answer = await counter.desk.run(
        lambda uow: risk.ask_table(
            uow,
            "loan_eligibility",
            {"age": 35, "amount": 1_000_000, "term_months": 12, "use": "consumption",
             "exposure": 1_000_000, "debt_to_income": "0.2", "overdue_days": 0,
             "overdue_days_24m": 0},
            answer_id=uuid7(),
            subject_id=decided.id,
            now=NOW,
        )
    )  # fmt: skip
    assert (decided.action, answer.outputs[0]["outcome"]) == (Action.ALLOW, "eligible")
    assert answer.subject_id == decided.id
