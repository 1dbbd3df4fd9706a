"""Expected credit loss in three stages, over columns of loans."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from huitong.kernel.errors import InvalidField
from huitong.kernel.rulebook import Rulebook
from huitong.risk.credit import limits
from huitong.risk.credit.assets.classes import AssetClass
from huitong.risk.credit.assets.columns import check_columns, take_share, to_parts
from huitong.risk.credit.assets.scenarios import Scenario, check_scenarios
from huitong.risk.decisioning.features.scans import Flags, Floats, Integers

_MONTHS = 12
#: The stage in which credit is impaired.
_IMPAIRED = 3
#: With a column of so many more values, kinds are still numbered within 63 bits.
_KINDS_MAX = 2**62 // limits.COLUMN_ROWS_MAX


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LossColumns:
    """Loans as columns of equal length.

    `exposure` is what is owed and expected to be drawn, minor units; `months_left` until the last
    repayment; `is_level` says that it is repaid in level instalments, otherwise all at the end.
    Shares from 0 to 1: `annual_pd` is the probability of default within a year as seen now,
    `annual_pd_at_start` as seen when it was lent, `loss_given_default` and `annual_rate` (of
    discount: the effective rate of the loan). `asset_class` is as `grade_assets` gives it.
    """

    exposure: Integers
    overdue_days: Integers
    months_left: Integers
    asset_class: NDArray[np.int8]
    annual_pd: Floats
    annual_pd_at_start: Floats
    loss_given_default: Floats
    annual_rate: Floats
    is_level: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """By loan: its stage (1 to 3), its provision, and what each scenario alone would make of it.

    Whole minor units; `by_scenario` is without weights, in the order of the scenarios.
    """

    stages: NDArray[np.int8]
    provisions: Integers
    by_scenario: tuple[Integers, ...]


def reckon_losses(
    columns: LossColumns,
    scenarios: Sequence[Scenario],
    *,
    rulebook: Rulebook,
    on: date,
    stages: NDArray[np.int8] | None = None,
) -> Losses:
    """Return stage and expected credit loss of each loan; `stages` are found unless they are given.

    ECL = Σ_s w_s Σ_t PD_st · LGD_s · EAD_t · (1 + r)^(-t/12) over scenarios s and months t: 12 in
    stage 1, all that are left in stage 2; PD_st is the probability to default in month t, with the
    hazard of a year turned into that of a month and multiplied by the scenario. In stage 3 the
    default has happened: LGD of the exposure. The share of the exposure is rounded to 10⁻⁹,
    the provision up to a whole minor unit.

    Worked: 100,000.00 at the end of 12 months, PD 12 %, LGD 65 %, rate 0, one scenario:
    0.12 · 0.65 = 7.8 %, 7,800.00. In stage 3: 65,000.00.

    Source: 商业银行预期信用损失法实施管理办法 (银保监规〔2022〕10号); IFRS 9, 5.5. Raises
    InvalidField naming the column or `scenarios`.
    """
    length = check_columns(columns, amounts=("exposure",), counts=("overdue_days", "months_left"))
    _check_shares(columns)
    check_scenarios(scenarios)
    if stages is None:
        stages = find_stages(columns, rulebook=rulebook, on=on)
    if len(stages) != length:
        raise InvalidField("has another number of rows", field="stages")
    # Loans of a product are alike: each kind is reckoned once.
    first, kind = _list_kinds(columns, stages)
    kinds, of_kinds = _Kinds.of(columns, first), stages[first]
    shares, parts = np.zeros(len(first)), []
    for scenario in scenarios:
        losses = np.minimum(kinds.loss_given_default * float(scenario.loss_multiple), 1.0)
        lived = _expect_share(kinds, of_kinds, scenario, rulebook, on)
        found = losses * np.where(of_kinds == _IMPAIRED, 1.0, lived)
        shares += float(scenario.weight) * found
        parts.append(to_parts(found))
    return Losses(
        stages,
        take_share(columns.exposure, to_parts(shares)[kind]),
        tuple(take_share(columns.exposure, each[kind]) for each in parts),
    )


def find_stages(
    columns: LossColumns, *, rulebook: Rulebook, on: date, is_suspect: Flags | None = None
) -> NDArray[np.int8]:
    """Return the stage of each loan, as a day by itself tells.

    3 where credit is impaired: over 90 days overdue, or a bad class. 2 where risk has increased
    significantly: over 30 days overdue, special mention, a probability of default of twice that
    at the start and no longer low (`ecl.stage2`), or what `is_suspect` says, as a grade that fell
    or a watch list. 1 else.
    """
    late = columns.overdue_days > rulebook.integer("ecl.stage3.days.above", on)
    is_impaired = late | (columns.asset_class >= AssetClass.SUBSTANDARD)
    multiple = float(rulebook.decimal("ecl.stage2.pd.multiple", on))
    least = float(rulebook.decimal("ecl.stage2.pd.min", on))
    has_increased = (
        (columns.overdue_days > rulebook.integer("ecl.stage2.days.above", on))
        | (columns.asset_class == AssetClass.SPECIAL_MENTION)
        | (
            (columns.annual_pd >= multiple * columns.annual_pd_at_start)
            & (columns.annual_pd >= least)
        )
    )
    if is_suspect is not None:
        has_increased |= is_suspect
    return np.where(is_impaired, _IMPAIRED, np.where(has_increased, 2, 1)).astype(np.int8)


def share_outstanding(month: int, months: Integers, annual_rate: Floats) -> Floats:
    """Return what of a loan in level instalments is still owed after so many months.

    ((1 + i)ⁿ - (1 + i)ᵏ) / ((1 + i)ⁿ - 1), i a twelfth of the rate; without interest 1 - k/n.
    Worked: after 6 of 12 months without interest a half.
    """
    left = np.maximum(months, 1).astype(np.float64)
    done = np.minimum(float(month), left)
    growth = np.log1p(annual_rate / _MONTHS)
    # Divided by the greater power first, so that none grows beyond all bounds.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = -np.expm1(growth * (done - left)) / -np.expm1(-growth * left)
    return np.where(growth > 0, found, 1.0 - done / left)


@dataclass(frozen=True, slots=True, eq=False)
class _Kinds:
    months_left: Integers
    annual_pd: Floats
    loss_given_default: Floats
    annual_rate: Floats
    is_level: Flags

    @classmethod
    def of(cls, columns: LossColumns, first: Integers) -> "_Kinds":
        return cls(*(getattr(columns, each.name)[first] for each in fields(cls)))


def _list_kinds(columns: LossColumns, stages: NDArray[np.int8]) -> tuple[Integers, Integers]:
    """Return where loans of each kind stand first, and of which kind each loan is."""
    kinds, count = np.zeros(len(stages), np.int64), 1
    for values in (*(getattr(columns, each.name) for each in fields(_Kinds)), stages):
        distinct, places = np.unique(values, return_inverse=True)
        kinds = kinds * len(distinct) + places
        count *= max(len(distinct), 1)
        if count > _KINDS_MAX:
            known, kinds = np.unique(kinds, return_inverse=True)
            count = len(known)
    _, first, kinds = np.unique(kinds, return_index=True, return_inverse=True)
    return first.astype(np.int64), kinds.astype(np.int64)


def _expect_share(
    columns: _Kinds, stages: NDArray[np.int8], scenario: Scenario, rulebook: Rulebook, on: date
) -> Floats:
    """Return Σ_t PD_t · EAD_t / EAD · discount_t of each loan not yet in default."""
    first = rulebook.integer("ecl.stage1.horizon.months", on)
    # What is due today, or was, still can default: at least a month.
    left = np.maximum(columns.months_left, 1)
    horizon = np.where(stages == 1, np.minimum(left, first), left)
    horizon[stages == _IMPAIRED] = 0  # The default has happened.
    hazard = -np.log1p(-np.minimum(columns.annual_pd, 1.0 - 1e-12)) / _MONTHS
    alive, total = np.ones(len(left)), np.zeros(len(left))
    for month in range(1, int(horizon.max(initial=0)) + 1):
        year = min((month - 1) // _MONTHS, len(scenario.default_multiples) - 1)
        survives = np.exp(-hazard * float(scenario.default_multiples[year]))
        owed = np.where(
            columns.is_level, share_outstanding(month - 1, left, columns.annual_rate), 1.0
        )
        discount = np.exp(-np.log1p(columns.annual_rate) * (month / _MONTHS))
        defaults = np.where(month <= horizon, alive * (1.0 - survives), 0.0)
        total += defaults * owed * discount
        alive *= survives
    return total


def _check_shares(columns: LossColumns) -> None:
    for name in ("annual_pd", "annual_pd_at_start", "loss_given_default", "annual_rate"):
        values = getattr(columns, name)
        # Comparisons with NaN are false, so that one is caught here, too.
        if not np.all((values >= 0.0) & (values <= 1.0)):
            raise InvalidField("must be shares from 0 to 1", field=name)
    classes = columns.asset_class
    if len(classes) and not (classes.min() >= 0 and classes.max() <= AssetClass.LOSS):
        raise InvalidField("must be a class from 0 to 4", field="asset_class")
    if len(classes) and columns.months_left.max() > limits.HORIZON_MONTHS_MAX:
        raise InvalidField(f"must be at most {limits.HORIZON_MONTHS_MAX}", field="months_left")
