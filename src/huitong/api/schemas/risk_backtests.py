"""Back-tests of rules as they travel."""

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Path
from pydantic import ConfigDict, Field

from huitong import risk
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.api.schemas.risk import PurposeName
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

BacktestPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.BACKTEST),
        description="The back-test's id.",
        examples=[example_id(ids.BACKTEST)],
    ),
]


class RequestBacktest(Body):
    """Over how much history a version is tested."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"days": 30}]})

    days: int = Field(
        default=30,
        ge=1,
        le=limits.BACKTEST_DAYS_MAX,
        description="So many business days until before today.",
    )


class SaveDefaults(Body):
    """Of which purpose the default rules are saved as a draft."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "payment"}]}
    )

    purpose: PurposeName


class BacktestRunView(View):
    """A back-test that was asked for, with its `result` once it is done; amounts in minor units."""

    id: Annotated[str, Field(pattern=id_pattern(ids.BACKTEST), examples=[example_id(ids.BACKTEST)])]
    version: Annotated[
        str, Field(pattern=id_pattern(ids.RULE_VERSION), examples=[example_id(ids.RULE_VERSION)])
    ]
    first_day: date
    end_day: date = Field(description="The first day that is not looked at any more.")
    state: Literal["queued", "running", "done", "failed"]
    rows_read: int = Field(description="How many decisions were read so far.")
    error: str | None
    requested_by: str
    requested_at: Instant
    finished_at: Instant | None
    result: dict[str, Any] | None


def show_run(run: risk.BacktestRun, result: risk.Backtest | None = None) -> BacktestRunView:
    """Return a run with its result as a view."""
    return BacktestRunView(
        id=show_id(ids.BACKTEST, run.id),
        version=show_id(ids.RULE_VERSION, run.version_id),
        first_day=run.first_day,
        end_day=run.end_day,
        state=run.state.value,
        rows_read=run.rows_read,
        error=run.error,
        requested_by=run.requested_by,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
        result=None if result is None else dict(result.result),
    )
