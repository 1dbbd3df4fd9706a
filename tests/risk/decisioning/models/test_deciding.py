"""Models beside rules: whose score counts, what is written down, and that it comes out again."""

import pytest
from sqlalchemy.exc import DBAPIError
from tests.risk.decisioning.models.conftest import LARGE, NOW, Models

from huitong import risk
from huitong.risk import Action

SMALL, HUGE = LARGE // 5, 2 * LARGE - LARGE // 5


async def test_the_score_of_the_champion_asks_for_an_action(
    models: Models, trained: risk.TrainedModel
) -> None:
    model = await models.install(trained)
    await models.learn()
    quiet, loud = await models.decide_amounts(SMALL, HUGE)
    assert quiet.action is Action.ALLOW
    assert loud.action is Action.BLOCK
    for decision in (quiet, loud):
        stored = await models.stored(decision)
        assert stored.scoring == decision.scoring
        assert stored.scoring is not None
        assert stored.scoring.model_id == model.id
        assert stored.scoring.action is decision.action
        assert (stored.version_id, stored.fallback) == (None, None)


@pytest.mark.parametrize(
    ("above", "action"),
    [
        ({}, Action.BLOCK),
        ({"block": "1"}, Action.REVIEW),
        ({"block": "1", "delay": "0.5"}, Action.DELAY),
        ({"block": "1", "review": "1"}, Action.STEP_UP),
        ({"block": "1", "review": "1", "step_up": "1"}, Action.ALLOW),
    ],
)
async def test_the_rulebook_says_what_a_score_asks_for(
    models: Models, trained: risk.TrainedModel, above: dict[str, str], action: Action
) -> None:
    await models.install(trained)
    await models.learn()
    models.with_thresholds(**above)
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is action


async def test_the_hardest_of_rules_and_model_holds_and_lists_beat_both(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    await models.desk.make_live(f"amount = {SMALL} or amount = {HUGE}", action="review")
    await models.learn()
    harder_rule, harder_model, neither = await models.decide_amounts(SMALL, HUGE, SMALL + 1)
    assert (harder_rule.action, harder_rule.hits) == (Action.REVIEW, ("large",))
    assert (harder_model.action, harder_model.hits) == (Action.BLOCK, ("large",))
    assert neither.action is Action.ALLOW
    allowed = models.make(HUGE)
    approval_id = await models.desk.approve("risk.change_list")
    change = risk.ListChange(
        list=risk.ListKind.ALLOW,
        add=((allowed.entities[0], NOW.replace(year=NOW.year + 1)),),
    )
    await models.run(
        lambda uow: risk.change_list(uow, change, reason="test", approval_id=approval_id, now=NOW)
    )
    (decided,) = await models.decide([allowed])
    assert decided.action is Action.ALLOW
    stored = await models.stored(decided)
    assert stored.scoring is not None
    assert stored.scoring.action is Action.BLOCK
    assert (await models.replay(stored)).is_same


async def test_without_a_model_nothing_is_scored_and_nothing_is_missing(models: Models) -> None:
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.ALLOW
    assert (await models.stored(decided)).scoring is None


async def test_a_shadow_scores_without_effect(
    models: Models, trained: risk.TrainedModel, retrained: risk.TrainedModel
) -> None:
    shadow = await models.register(trained)
    await models.learn()
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.ALLOW
    stored = await models.stored(decided)
    assert stored.scoring is not None
    assert (stored.scoring.model_id, stored.scoring.action) == (None, None)
    assert stored.scoring.shadow_id == shadow.id
    assert stored.scoring.shadow_score is not None
    assert stored.scoring.shadow_score > 0.95
    assert (await models.replay(stored)).is_same
    newer = await models.register(retrained)
    await models.learn()
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.scoring is not None
    assert decided.scoring.shadow_id == newer.id


async def test_the_challenger_decides_its_share_and_both_are_scored_on_all(
    models: Models, trained: risk.TrainedModel, retrained: risk.TrainedModel
) -> None:
    champion = await models.install(trained)
    challenger = await models.register(retrained)
    await models.set_status(challenger, risk.ModelStatus.CHALLENGER)
    await models.learn()
    decided = [
        each
        for _ in range(8)
        for each in await models.decide(
            [models.make(models.chance.randrange(1, 2 * LARGE)) for _ in range(500)]
        )
    ]
    scorings = [each.scoring for each in decided]
    assert all(each is not None for each in scorings)
    assert {each.model_id for each in scorings if each} == {champion.id}
    assert {each.challenger_id for each in scorings if each} == {challenger.id}
    shares = [each for each in scorings if each is not None and each.is_challenged]
    # Five in a hundred of 4,000: 200, give or take five times the spread of 14.
    assert 130 <= len(shares) <= 270
    for each in scorings:
        assert each is not None
        counted = each.challenger_score if each.is_challenged else each.score
        assert counted is not None
        assert (each.action is Action.BLOCK) == (counted > 0.95)


async def test_many_random_decisions_come_out_again_to_the_last_bit(
    models: Models, trained: risk.TrainedModel, retrained: risk.TrainedModel
) -> None:
    await models.install(trained)
    challenger = await models.register(retrained)
    await models.set_status(challenger, risk.ModelStatus.CHALLENGER)
    await models.register(trained)
    await models.desk.make_live("payments_1h > 1 or amount > 900000", action="step_up")
    await models.learn()
    accounts = range(10**11, 10**11 + 12)
    decided = []
    for size in (1, 2, 3, 7, 16, 33, 64):
        batch = []
        for _ in range(size):
            payer, payee = models.chance.sample(accounts, 2)
            made = models.make(models.chance.randrange(1, 2 * LARGE))
            made.facts.payer_account_id, made.facts.payee_account_id = payer, payee
            batch.append(made)
        decided += await models.decide(batch)
    assert len({each.action for each in decided}) >= 3
    for each in decided:
        stored = await models.stored(each)
        assert stored.scoring == each.scoring
        replay = await models.replay(stored)
        assert (replay.action, replay.is_same) == (each.action, True)


async def test_a_decision_says_why_its_model_asked(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    await models.learn()
    quiet, loud = await models.decide_amounts(SMALL, HUGE)
    assert await models.run(lambda uow: risk.explain_decision(uow, quiet)) == ()
    reasons = await models.run(lambda uow: risk.explain_decision(uow, loud))
    assert reasons[0] == risk.Reason(
        code="amount_large", zh="金额较大。", en="The amount is large."
    )


async def test_a_rule_that_asked_for_more_is_the_reason_and_not_the_model(
    models: Models, trained: risk.TrainedModel
) -> None:
    await models.install(trained)
    await models.desk.make_live(f"amount = {HUGE}", action="block")
    await models.learn()
    models.with_thresholds(block="1")
    (decided,) = await models.decide_amounts(HUGE)
    assert decided.action is Action.BLOCK
    reasons = await models.run(lambda uow: risk.explain_decision(uow, decided))
    assert [each.code for each in reasons] == ["large"]


@pytest.mark.parametrize(
    "wrong",
    [
        "score = NULL",
        "score = 1.5",
        "score = 'NaN'",
        "model_action = NULL",
        "model_action = 4",
        "challenger_score = 0.5",
        "is_challenged = true",
        "shadow_model_id = id",
        "model_fallback = 'model_slow'",
        "model_id = NULL, score = NULL, model_action = NULL, model_fallback = 'tired'",
        "feature_values = NULL, names_id = NULL, fallback = 'slow'",
    ],
)
async def test_the_database_refuses_a_record_that_contradicts_itself(
    models: Models, trained: risk.TrainedModel, wrong: str
) -> None:
    await models.install(trained)
    await models.learn()
    await models.decide_amounts(SMALL)
    await models.as_owner("ALTER TABLE risk.decisions DISABLE TRIGGER append_only")
    with pytest.raises(Exception, match="a decision contradicts itself"):
        await models.as_owner(f"UPDATE risk.decisions SET {wrong}")
    with pytest.raises(DBAPIError, match="permission denied"):
        await models.run(lambda uow: uow.execute("UPDATE risk.decisions SET score = 0"))
