"""The doors to what trains and evaluates: light to import, as every command of `huitong` does."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from huitong.kernel.errors import InvalidField
from huitong.risk.credit import limits
from huitong.risk.credit.scorecards.types import Scorecard
from huitong.risk.credit.starting.shipping import write_start_scorecard
from huitong.risk.decisioning.models.types import TrainedModel

#: The public data sets, in the order of the report.
CREDIT_DATA_SETS = ("german", "taiwan", "heloc", "give_me_some_credit", "lending_club")


def evaluate_credit(
    folder: Path,
    *,
    names: Sequence[str] = CREDIT_DATA_SETS,
    seed: int = 0,
    plots: Path | None = None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Measure the best model and the scorecard on public data sets, as `evaluation` describes.

    With `plots`, a calibration plot of each data set is written into that folder (SVG). Raises
    InvalidField for a name that is unknown, DataSetMissing if the folder has none of them.
    """
    unknown = sorted(set(names) - set(CREDIT_DATA_SETS))
    if unknown:
        raise InvalidField(
            f"{unknown[0]} is not among {', '.join(CREDIT_DATA_SETS)}", field="--only"
        )
    # LightGBM, scikit-learn and optbinning take seconds to import.
    from huitong.risk.credit.evaluation.plots import write_plots  # noqa: PLC0415
    from huitong.risk.credit.evaluation.running import evaluate  # noqa: PLC0415

    report = evaluate(folder, names=names, seed=seed, say=say)
    if plots is not None:
        write_plots(report, plots)
    return report


def train_start_scorecard(
    *, applicants: int, seed: int, into: Path | None = None
) -> tuple[Scorecard, TrainedModel]:
    """Fit the scorecard of simulated applicants again, and write it into a folder if one is named.

    Raises InvalidField for too few applicants to fit to, or more than can be simulated.
    """
    if not limits.APPLICANTS_MIN <= applicants <= limits.APPLICANTS_MAX:
        raise InvalidField(
            f"must be from {limits.APPLICANTS_MIN:,} to {limits.APPLICANTS_MAX:,}",
            field="--applicants",
        )
    from huitong.risk.credit.starting.fitting import fit_start_scorecard  # noqa: PLC0415

    card, model = fit_start_scorecard(applicants, seed=seed)
    if into is not None:
        write_start_scorecard(card, model, into)
    return card, model


def make_credit_bench(
    count: int, *, seed: int
) -> tuple[list[dict[str, Any]], Callable[[Mapping[str, Any]], object]]:
    """Return simulated applications, and what explains one by boosted trees, for comparison."""
    from huitong.risk.credit.starting.comparison import make_comparison  # noqa: PLC0415

    return make_comparison(count, seed=seed)
