"""The model card of a scorecard: what it is for, what it is worth, how it treats groups.

After Mitchell et al., Model Cards for Model Reporting (2019).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from huitong.risk.credit.scorecards.types import Scorecard

_CARD: Final = """\
# {name}

Scores an application for credit: points, the probability of {target}, a grade and reasons. It
is made for decisions on applications, limits and prices; people refused by it may ask for a person.

## Data

Fitted to {rows:,} applications, {bad_rate:.2%} of them bad; measured on {test_rows:,} others.
{simulated}
## Model

A logistic scorecard in whole points: {base} points at odds of {odds:g}:1, {pdo} points double them.
{count} characteristics, cut where risk rises or falls from bin to bin. Seed {seed}.

| Characteristic | Bins | Points, least to most |
| --- | --- | --- |
{characteristics}

## Measured

AUC {auc:.4f}, KS {ks:.4f}, Brier score {brier:.5f}.

| Rows | Mean probability | Bad |
| --- | --- | --- |
{calibration}

## Fairness

No protected attribute is a characteristic. Groups are measured by acceptance of the share that is
good; the rulebook's bounds (`risk.credit.fairness`) stop a version that breaks them.

| Attribute | Group | Rows | Bad | Accepted | Good accepted |
| --- | --- | --- | --- | --- | --- |
{groups}

| Attribute | Parity ratio | Equal opportunity difference | Equalised odds difference |
| --- | --- | --- | --- |
{fairness}

## Limits

It knows the applications that it was fitted to. Watch the population stability index of its points
and characteristics; above 0.25 it wants another look.
"""
_SIMULATED: Final = "The applications are simulated: nobody's data, and odds that were invented.\n"


def write_model_card(card: Scorecard, metrics: Mapping[str, Any], *, seed: int) -> str:
    """Return the card as Markdown; `metrics` are those of rows that it was not fitted to."""
    return _CARD.format(
        name=card.name,
        target=card.target,
        rows=card.rows,
        bad_rate=card.bad_rate,
        test_rows=metrics["rows"],
        simulated=_SIMULATED if card.is_simulated else "",
        base=card.scaling.base_points,
        odds=card.scaling.base_odds,
        pdo=card.scaling.pdo,
        count=len(card.characteristics),
        seed=seed,
        characteristics="\n".join(_list_characteristics(card)),
        auc=metrics["auc"],
        ks=metrics["ks"],
        brier=metrics["brier"],
        calibration="\n".join(
            f"| {each['rows']:,} | {each['mean_probability']:.3%} | {each['bad_rate']:.3%} |"
            for each in metrics["calibration"]
        ),
        groups="\n".join(_list_groups(metrics["fairness"])),
        fairness="\n".join(_list_fairness(metrics["fairness"])),
    )


def _list_characteristics(card: Scorecard) -> Iterator[str]:
    for each in card.characteristics:
        points = [one.points for one in each.all_bins]
        yield f"| {each.name} | {len(each.bins)} | {min(points)} to {max(points)} |"


def _list_groups(fairness: Mapping[str, Any]) -> Iterator[str]:
    for attribute, measured in fairness.items():
        for name, group in measured["groups"].items():
            yield (
                f"| {attribute} | {name} | {group['rows']:,} | {_share(group['bad_rate'])} "
                f"| {_share(group['accepted'])} | {_share(group['good_accepted'])} |"
            )


def _list_fairness(fairness: Mapping[str, Any]) -> Iterator[str]:
    names = ("parity_ratio", "equal_opportunity_difference", "equalised_odds_difference")
    for attribute, measured in fairness.items():
        shown = (_number(measured.get(name)) for name in names)
        yield f"| {attribute} | {' | '.join(shown)} |"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
