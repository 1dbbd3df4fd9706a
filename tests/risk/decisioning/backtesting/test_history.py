"""Stored decisions become a table of history, over which versions of rules are tested."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from tests.risk.decisioning.backtesting.conftest import (
    DAY,
    NOW,
    OLD_NAMES,
    Past,
    backtest,
    finder,
    remember,
)
from tests.risk.decisioning.rules.conftest import Desk

from huitong import risk
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField
from huitong.risk import FeatureType, Purpose


async def test_the_table_holds_every_decision_of_the_period_as_it_was_made(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HISTORY_ROWS_AT_ONCE", 2)
    late = datetime(2026, 11, 25, 15, 59, 59, tzinfo=UTC)
    past = (
        Past(100, is_fraud=True),
        Past(200, is_new=None),
        Past(300, names=OLD_NAMES),
        Past(400, names=None),
        Past(500, is_new=False, is_fraud=False, at=late),
        Past(600, at=late + timedelta(seconds=1)),
    )
    ids = await remember(desk, *past)
    seen: list[int] = []

    async def say(rows: int) -> None:
        seen.append(rows)

    exported = await risk.export_history(
        desk.database,
        tmp_path / "history.parquet",
        purpose=Purpose.PAYMENT,
        period=risk.Period(DAY, DAY + timedelta(days=1)),
        columns={"amount": FeatureType.INTEGER, "is_new_payee": FeatureType.FLAG},
        say=say,
    )

    rows = duckdb.sql(
        f"SELECT id, amount, is_new_payee, is_fraud, day, party "
        f"FROM read_parquet('{tmp_path / 'history.parquet'}') ORDER BY amount"
    ).fetchall()
    assert rows == [
        (ids[0].hex, 100, True, True, DAY, None),
        (ids[1].hex, 200, None, None, DAY, None),
        (ids[2].hex, 300, None, None, DAY, None),
        (ids[4].hex, 500, False, False, DAY, None),
    ]
    assert (exported.rows, exported.unassessed, exported.unlabelled) == (4, 1, 2)
    assert exported.absent == {"is_new_payee": 1}
    assert seen == [2, 4, 5]


async def test_a_later_label_replaces_an_earlier_one(desk: Desk) -> None:
    (decided,) = await remember(desk, Past(900_000, is_fraud=True))
    correction = risk.Label(decision_id=decided, is_fraud=False, source=risk.LabelSource.DISPUTE)
    await desk.run(lambda uow: risk.put_labels(uow, [correction], now=NOW))

    result = await backtest(desk, await desk.save("amount > 500000"))

    assert (result["everything"]["fraud"], result["everything"]["honest"]) == (0, 1)


async def test_the_report_says_what_it_would_have_done_beside_what_is_live(desk: Desk) -> None:
    past = (
        Past(900_000, is_fraud=True, party=1),
        Past(800_000, is_fraud=False, party=2),
        Past(700_000, party=3),
        Past(650_000, party=3),
        Past(600_000, is_new=False, is_fraud=True, party=4),
        Past(10_000, party=2),
        Past(20_000, party=5),
        Past(30_000, names=OLD_NAMES, party=6),
    )
    ids = await remember(desk, *past)
    await desk.make_live("amount > 750000", action="step_up")
    version = await desk.save("is_new_payee and amount > 500000", "delay")

    result = await backtest(desk, version, finder(ids, past))

    stopped = result["stopped"]
    assert (stopped["rows"], stopped["fraud"], stopped["honest"]) == (4, 1, 1)
    assert (stopped["amount_minor"], stopped["fraud_amount_minor"]) == (3_050_000, 900_000)
    assert (stopped["precision"], stopped["recall"]) == (0.5, 0.5)
    (rule,) = result["rules"]
    assert (rule["hits"]["rows"], rule["recall"], rule["overlaps"]) == (4, 0.5, {})
    live = result["live"]
    assert (live["number"], live["stopped"]["rows"], live["stopped"]["recall"]) == (1, 2, 0.5)
    assert [(each["from"], each["to"], each["rows"]) for each in live["changes"]] == [
        ("allow", "delay", 2),
        ("step_up", "delay", 2),
    ]
    # Parties 2, 3, 5 and 6 were honest; 2 and 3 are hit, 2 also by what is live.
    assert result["honest"] == {
        "customers": 4,
        "hit": 2,
        "hit_per_10000": 5_000.0,
        "live_hit": 1,
        "live_hit_per_10000": 2_500.0,
    }
    worst = result["examples"]["honest_hit"]
    assert [each["decision"] for each in worst] == [f"dec_{ids[at].hex}" for at in (1, 2, 3)]
    assert worst[0] == {
        "decision": f"dec_{ids[1].hex}",
        "action": "delay",
        "live_action": "step_up",
        "amount_minor": 800_000,
    }
    (missed,) = result["examples"]["fraud_missed"]
    assert missed["decision"] == f"dec_{ids[4].hex}"
    assert result["history"]["absent_features"] == {"is_new_payee": 1}
    codes = [each["code"] for each in result["notes"]]
    assert codes == ["as_it_was", "unlabelled", "absent_feature"]
    assert all(each["zh"] and each["en"] for each in result["notes"])


async def test_a_rule_that_fails_asks_for_a_review_in_the_report_too(desk: Desk) -> None:
    await remember(desk, Past(0, is_fraud=False), Past(4), Past(5, is_new=False))
    version = await desk.save("10 % amount = 1", "block")

    result = await backtest(desk, version)

    assert result["rules"][0]["failed"] == 1
    (example,) = result["examples"]["honest_hit"]
    assert example["action"] == "review"
    assert result["stopped"]["rows"] == 1


async def test_without_any_history_it_says_so_and_the_version_counts_as_tested(desk: Desk) -> None:
    version = await desk.save("amount > 5")

    result = await backtest(desk, version, finder([], []))

    assert result["everything"]["rows"] == 0
    assert "no_history" in [each["code"] for each in result["notes"]]
    assert result["honest"]["hit_per_10000"] is None
    assert result["live"] is None
    assert (await desk.run(lambda uow: risk.get_rule_version(uow, version.id))).backtest_id


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_a_period_out_of_bounds_is_refused(desk: Desk, days: int) -> None:
    version = await desk.save()
    with pytest.raises(InvalidField) as refused:
        await backtest(desk, version, days=days)
    assert refused.value.field == "days"
    assert await desk.count("risk.backtests") == 0


async def test_what_is_live_is_not_tested_again(desk: Desk) -> None:
    version = await desk.make_live()
    with pytest.raises(risk.RuleStateRefused):
        await backtest(desk, version)
