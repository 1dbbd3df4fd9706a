"""A scorecard is data: fitted once, scored by anybody, the same one by one and in columns."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.risk.credit import limits
from huitong.risk.credit.protected import ProtectedAttribute, is_protected
from huitong.risk.credit.scorecards.binning import bin_feature, information_value
from huitong.risk.credit.scorecards.fitting import (
    FitSettings,
    calibrate_scorecard,
    fit_scorecard,
)
from huitong.risk.credit.scorecards.registering import make_model, measure_stability
from huitong.risk.credit.scorecards.scoring import (
    log_odds_of_bad,
    score_columns,
    score_one,
    to_probabilities,
)
from huitong.risk.credit.scorecards.types import (
    Bin,
    Characteristic,
    Scaling,
    Scorecard,
    Words,
    read_scorecard,
    write_scorecard,
)
from huitong.risk.credit.starting.applicants import Applicants, simulate_applicants
from huitong.risk.credit.starting.features import APPLICATION_FEATURES
from huitong.risk.credit.starting.fitting import fit_start_scorecard
from huitong.risk.credit.starting.shipping import start_scorecard, write_start_scorecard
from huitong.risk.decisioning.models.serving import Scorer
from huitong.risk.decisioning.models.types import Bins, Calibration, TrainedModel

WORDS = Words(zh="债务较高。", en="Debts are high.")


def make_bin(points: int, woe: float = 0.0) -> Bin:
    return Bin(woe=woe, points=points, share=0.2, bad_rate=0.1)


def make_card(**change: object) -> Scorecard:
    """Two characteristics, worked by hand: numbers with a code, and texts."""
    debts = Characteristic(
        name="debts",
        bins=(make_bin(50), make_bin(30), make_bin(10)),
        edges=(100.0, 200.0),
        special=(-9.0,),
        special_bins=(make_bin(20),),
        unknown=make_bin(5),
        words=WORDS,
    )
    home = Characteristic(
        name="home",
        bins=(make_bin(40), make_bin(25)),
        categories=(("owns",), ("rents", "free")),
        unknown=make_bin(0),
        words=Words(zh="住房情况。", en="Housing."),
    )
    card = Scorecard(
        name="hand_made",
        target="default",
        characteristics=(debts, home),
        scaling=Scaling(base_points=90, base_odds=50.0, pdo=20),
        calibration=Calibration(),
        score_bins=Bins((60.0,), (0.5, 0.5, 0.0)),
        rows=100,
        bad_rate=0.1,
    )
    return msgspec.structs.replace(card, **change)


@pytest.mark.parametrize(
    ("debts", "home", "points"),
    [
        (99.99, "owns", 90),
        (100.0, "owns", 70),
        (199, "rents", 55),
        (200, "free", 35),
        (-9, "owns", 60),
        (-8, "owns", 90),
        (None, "owns", 45),
        (None, None, 5),
        (0, "a boat", 50),
    ],
)
def test_points_are_those_of_the_bins(debts: float | None, home: str | None, points: int) -> None:
    card = make_card()
    assert score_one(card, {"debts": debts, "home": home}).points == points
    columns = {
        "debts": np.array([np.nan if debts is None else debts]),
        "home": np.array([home], object),
    }
    assert score_columns(card, columns).tolist() == [points]


def test_the_probability_follows_from_points_by_doubling_odds() -> None:
    card = make_card()
    best = score_one(card, {"debts": 0, "home": "owns"})
    assert best.probability_of_default == pytest.approx(1 / 51)
    worse = score_one(card, {"debts": 150, "home": "owns"})
    assert best.points - worse.points == 20
    assert worse.probability_of_default == pytest.approx(1 / 26)


def test_reasons_are_the_points_lost_the_most_first() -> None:
    reasons = score_one(make_card(), {"debts": 150, "home": None}).reasons
    assert [(each.code, each.points, each.points_lost) for each in reasons] == [
        ("home", 0, 40),
        ("debts", 30, 20),
    ]
    assert (reasons[1].zh, reasons[1].en) == ("债务较高。", "Debts are high.")
    assert score_one(make_card(), {"debts": 0, "home": "owns"}).reasons == ()
    assert len(score_one(make_card(), {"debts": 150, "home": None}, most=1).reasons) == 1


@pytest.mark.parametrize(
    ("features", "field"),
    [
        ({"home": "owns"}, "features.debts"),
        ({"debts": "many", "home": "owns"}, "features.debts"),
        ({"debts": math.nan, "home": "owns"}, "features.debts"),
        ({"debts": math.inf, "home": "owns"}, "features.debts"),
        ({"debts": 10**400, "home": "owns"}, "features.debts"),
        ({"debts": 1, "home": 3}, "features.home"),
        ({"debts": 1, "home": "x" * 201}, "features.home"),
    ],
)
def test_bad_features_are_named(features: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        score_one(make_card(), features)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_bad_columns_are_named() -> None:
    card, home = make_card(), np.array(["owns"], object)
    for columns, field in (
        ({"home": home}, "features.debts"),
        ({"debts": np.array([np.inf]), "home": home}, "features.debts"),
        ({"debts": np.array(["a"], object), "home": home}, "features.debts"),
        ({"debts": np.zeros(2), "home": home}, "features.home"),
    ):
        with pytest.raises(InvalidField) as caught:
            score_columns(card, columns)
        assert caught.value.field == field


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-300, 300),
            st.none() | st.sampled_from(["owns", "rents", "free", "else"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_one_by_one_and_in_columns_come_out_alike(
    rows: list[tuple[float | None, str | None]],
) -> None:
    card = make_card()
    points = score_columns(
        card,
        {
            "debts": np.array([np.nan if each is None else each for each, _ in rows]),
            "home": np.array([each for _, each in rows], object),
        },
    )
    probabilities = to_probabilities(card, points)
    for row, (debts, home) in enumerate(rows):
        one = score_one(card, {"debts": debts, "home": home})
        assert one.points == points[row]
        assert one.probability_of_default == probabilities[row]


def test_points_of_the_textbook() -> None:
    # Siddiqi's example: 600 points at 50:1 and 20 points to double: factor 28.8539, offset 487.123.
    scaling = Scaling(base_points=600, base_odds=50.0, pdo=20)
    assert scaling.factor == pytest.approx(28.8539, abs=1e-4)
    assert scaling.offset == pytest.approx(487.123, abs=1e-3)
    assert log_odds_of_bad(scaling, np.array([620.0]))[0] == pytest.approx(-math.log(100))


def test_a_scorecard_travels_as_json(card: Scorecard) -> None:
    assert read_scorecard(write_scorecard(card)) == card
    assert read_scorecard(write_scorecard(make_card())) == make_card()


def _damage(**change: object) -> Scorecard:
    characteristics = make_card().characteristics
    debts = msgspec.structs.replace(characteristics[0], **change)
    return make_card(characteristics=(debts, characteristics[1]))


@pytest.mark.parametrize(
    ("damaged", "field"),
    [
        (make_card(characteristics=()), "scorecard.characteristics"),
        (
            make_card(characteristics=make_card().characteristics[:1] * 2),
            "scorecard.characteristics",
        ),
        (make_card(scaling=Scaling(pdo=0)), "scorecard.scaling"),
        (make_card(calibration=Calibration(slope=-1.0)), "scorecard.calibration"),
        (_damage(edges=(200.0, 100.0)), "scorecard.characteristics.debts"),
        (_damage(edges=(100.0,)), "scorecard.characteristics.debts"),
        (_damage(special=()), "scorecard.characteristics.debts"),
        (_damage(categories=(("a",), ("a",), ("b",)), edges=()), "scorecard.characteristics.debts"),
    ],
)
def test_a_scorecard_that_contradicts_itself_is_refused(damaged: Scorecard, field: str) -> None:
    with pytest.raises(InvalidField) as caught:
        read_scorecard(write_scorecard(damaged))
    assert caught.value.field == field


def test_texts_that_are_no_scorecards_are_refused() -> None:
    for text in ("", "[]", "{}", '{"name": 3}'):
        with pytest.raises(InvalidField, match="scorecard"):
            read_scorecard(text)
    with pytest.raises(LimitExceeded):
        read_scorecard(" " * (limits.SCORECARD_BYTES_MAX + 1))


def test_bins_are_monotonic_and_weigh_evidence() -> None:
    chance = np.random.default_rng(4)
    values = chance.normal(size=4_000)
    labels = (chance.random(4_000) < 1 / (1 + np.exp(2 - values))).astype(np.float64)
    found = bin_feature("debts", values, labels, words=WORDS)
    woes = [each.woe for each in found.bins]
    assert len(woes) >= 3
    assert woes == sorted(woes, reverse=True)
    assert information_value(found) > 0.3
    assert sum(each.share for each in found.all_bins) == pytest.approx(1)
    # Nobody was unknown: who withholds it counts as the worst.
    assert found.unknown.woe == min(woes)
    noise = bin_feature("noise", chance.normal(size=4_000), labels, words=WORDS)
    assert information_value(noise) < 0.03


def test_codes_unknown_and_texts_have_bins_of_their_own() -> None:
    chance = np.random.default_rng(4)
    labels = (chance.random(3_000) < 0.3).astype(np.float64)
    values = np.where(labels > 0, chance.normal(1, 1, 3_000), chance.normal(0, 1, 3_000))
    values[:300] = -9.0
    values[300:600] = np.nan
    found = bin_feature("debts", values, labels, words=WORDS, special=(-9.0,))
    assert found.special_bins[0].share == pytest.approx(0.1)
    assert found.unknown.share == pytest.approx(0.1)
    texts = np.where(labels > 0, "late", "punctual").astype(object)
    texts[:100] = None
    by_text = bin_feature("history", texts, labels, words=WORDS)
    assert {each for group in by_text.categories for each in group} == {"late", "punctual"}
    assert by_text.unknown.share == pytest.approx(100 / 3_000)


def test_labels_that_teach_nothing_are_refused() -> None:
    values = np.arange(100.0)
    for labels in (np.zeros(100), np.full(100, 0.5), np.array([1.0] * 29 + [0.0] * 71)):
        with pytest.raises(InvalidField) as caught:
            bin_feature("debts", values, labels, words=WORDS)
        assert caught.value.field == "labels"
    with pytest.raises(InvalidField, match="tells anything"):
        fit_scorecard(
            "none",
            {"debts": np.zeros(200)},
            np.array([0.0, 1.0] * 100),
            target="default",
        )


def test_the_fitted_scorecard_ranks_and_its_probabilities_hold(
    card: Scorecard, applicants: Applicants
) -> None:
    points = score_columns(card, applicants.columns)
    assert roc_auc_score(applicants.labels, -points) > 0.78
    probabilities = to_probabilities(card, points)
    assert probabilities.mean() == pytest.approx(applicants.labels.mean(), abs=0.03)
    for each in card.characteristics:
        by_woe = sorted(each.all_bins, key=lambda one: one.woe)
        points_of_bins = [one.points for one in by_woe]
        assert points_of_bins == sorted(points_of_bins), each.name


def test_weights_count_rows() -> None:
    applicants = simulate_applicants(1_000, seed=2)
    names = ("debt_to_income", "card_utilisation")
    columns = {name: applicants.columns[name] for name in names}
    weights = np.where(applicants.labels > 0, 3.0, 1.0)
    plain = fit_scorecard("a", columns, applicants.labels, target="t")
    weighted = fit_scorecard("a", columns, applicants.labels, target="t", weights=weights)
    assert weighted.bad_rate > 2 * plain.bad_rate
    mean = [score_columns(each, columns).mean() for each in (plain, weighted)]
    assert mean[0] - mean[1] == pytest.approx(20 * math.log2(3), abs=2)


@pytest.mark.parametrize(
    "name",
    ["sex", "age", "applicant_age", "AgeBand", "region", "maritalStatus", "uses_disability_aid",
     "zip_code", "birth_year", "personal_status_sex", "foreign_worker"],
)  # fmt: skip
def test_protected_attributes_are_never_features(name: str) -> None:
    assert is_protected(name)
    with pytest.raises(ProtectedAttribute) as caught:
        fit_scorecard("a", {name: np.arange(100.0)}, np.array([0.0, 1.0] * 50), target="t")
    assert caught.value.field == f"features.{name}"


def test_the_shipped_scorecard_looks_at_no_protected_attribute() -> None:
    names = start_scorecard().feature_names
    assert set(names) <= set(APPLICATION_FEATURES)
    assert not [name for name in APPLICATION_FEATURES if is_protected(name)]
    assert not is_protected("account_age_days")


def test_onnx_says_what_points_say(model: TrainedModel, card: Scorecard) -> None:
    scorer = Scorer(model.onnx, feature_names=model.feature_names, calibration=model.calibration)
    edges = {each.name: each.edges for each in card.characteristics}
    applicants = simulate_applicants(500, seed=11)
    columns = {name: applicants.columns[name].copy() for name in model.feature_names}
    # On every edge, and just below it.
    for name, each in edges.items():
        for place, edge in enumerate(each):
            columns[name][2 * place : 2 * place + 2] = edge, np.nextafter(edge, -np.inf)
    matrix = np.column_stack([columns[name] for name in model.feature_names])
    expected = to_probabilities(card, score_columns(card, columns))
    assert scorer.score_matrix(matrix) == pytest.approx(expected, abs=1e-12)
    assert read_scorecard(model.trees) == card
    assert model.is_simulated


def test_scorecards_of_texts_are_not_registered() -> None:
    with pytest.raises(ValueError, match="plain numbers"):
        make_model(make_card(), {}, np.zeros(1), metrics={}, text="")


def test_points_drift_when_the_applicants_change(card: Scorecard, applicants: Applicants) -> None:
    points = score_columns(card, applicants.columns).astype(np.float64)
    assert measure_stability(card, points) < 0.1
    assert measure_stability(card, points - 40) > 0.25


def test_calibration_agrees_with_other_rows(card: Scorecard, applicants: Applicants) -> None:
    # Times were twice as good: half of the bad did not come to be.
    labels = applicants.labels * (np.arange(len(applicants.labels)) % 2)
    again = calibrate_scorecard(card, applicants.columns, labels)
    probabilities = to_probabilities(again, score_columns(again, applicants.columns))
    assert probabilities.mean() == pytest.approx(labels.mean(), abs=0.005)
    assert again.characteristics == card.characteristics


@settings(max_examples=20)
@given(st.integers(0, 1_000), st.integers(0, 1_000))
def test_any_two_applicants_are_ranked_by_points_alone(first: int, second: int) -> None:
    card = start_scorecard()
    applicants = simulate_applicants(1_001, seed=1)
    points = score_columns(card, applicants.columns)
    probability = to_probabilities(card, points)
    if points[first] > points[second]:
        assert probability[first] < probability[second]


def test_the_same_seed_gives_the_same_files(
    fitted: tuple[Scorecard, TrainedModel], tmp_path: Path
) -> None:
    write_start_scorecard(*fitted, tmp_path / "a")
    write_start_scorecard(*fit_start_scorecard(3_000, seed=3), tmp_path / "b")
    for name in ("scorecard.json", "metrics.json", "card.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "Fairness" in (tmp_path / "a" / "card.md").read_text(encoding="utf-8")
    assert FitSettings().scaling.pdo == 20
