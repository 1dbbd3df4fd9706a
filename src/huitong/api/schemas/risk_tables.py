"""Decision tables as they travel: decimals are text, amounts are minor units."""

import json
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

from fastapi import Path
from pydantic import ConfigDict, Field

from huitong import risk
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.kernel import ids, limits
from huitong.kernel.ids import show_id

TableName = Annotated[
    str,
    Path(
        pattern="^[a-z][a-z0-9_]{0,63}$",
        description="Which table: `loan_eligibility`, `loan_price`.",
        examples=["loan_price"],
    ),
]
TableVersionPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.TABLE_VERSION),
        description="The version's id.",
        examples=[example_id(ids.TABLE_VERSION)],
    ),
]
TableAnswerPath = Annotated[
    str,
    Path(
        pattern=id_pattern(ids.TABLE_ANSWER),
        description="The answer's id.",
        examples=[example_id(ids.TABLE_ANSWER)],
    ),
]
_VersionId = Annotated[
    str, Field(pattern=id_pattern(ids.TABLE_VERSION), examples=[example_id(ids.TABLE_VERSION)])
]
_State = Literal["draft", "live", "retired"]
_STATES: Final[dict[risk.VersionState, _State]] = {
    risk.VersionState.DRAFT: "draft",
    risk.VersionState.LIVE: "live",
    risk.VersionState.RETIRED: "retired",
}
_CASE: Final[dict[str, Any]] = {"grade": "A", "term_months": 12, "amount": 1_000_000}
_TABLE: Final[dict[str, Any]] = {
    "hit_policy": "unique",
    "rows": [
        {"key": "good", "when": {"grade": '"A", "B"'}, "then": {"rate": "0.0480"}},
        {"key": "rest", "when": {"grade": 'not("A", "B")'}, "then": {"rate": "0.1080"}},
    ],
    "tests": [{"name": "a good grade", "inputs": _CASE, "expect": {"rate": "0.0480"}}],
}


class TableRowBody(Body):
    """One row: conditions on inputs, and what it answers where all of them hold."""

    key: str = Field(pattern="^[a-z][a-z0-9_]{0,63}$")
    when: dict[str, str] = Field(
        description='A cell for each input that matters: `5`, `> 5`, `[1..5)`, `"a", "b"`, '
        '`not("a")`, `true`, `null`, `-`.',
    )
    then: dict[str, Any] = Field(description="A value for every output; decimals are text.")


class TableTestBody(Body):
    """A case that the table must answer so before it goes live."""

    name: str = Field(min_length=1, max_length=limits.TABLE_TEXT_LENGTH_MAX)
    inputs: dict[str, Any]
    expect: dict[str, Any] | list[dict[str, Any]] = Field(
        description="What the row answers; a list of that if the policy is to collect."
    )


class SaveTable(Body):
    """The next version of a decision table."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [_TABLE]})

    hit_policy: Literal["first", "unique", "collect"]
    rows: list[TableRowBody] = Field(min_length=1, max_length=limits.TABLE_ROWS_MAX)
    tests: list[TableTestBody] = Field(min_length=1, max_length=limits.TABLE_TESTS_MAX)


class TryTable(Body):
    """What a version is asked, without effect."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"inputs": _CASE}]}
    )

    inputs: dict[str, Any]


class TableSchemasView(View):
    """All tables that the platform asks, with their inputs and outputs."""

    data: list[dict[str, Any]]


class FailedTestView(View):
    """A test case that does not come out as it says."""

    name: str
    expected: list[dict[str, Any]]
    answered: list[dict[str, Any]]


class TableVersionView(View):
    """A version of a decision table."""

    id: _VersionId
    name: str
    number: int
    state: _State
    digest: str
    table: dict[str, Any] = Field(description="Schema, hit policy, rows and test cases.")
    is_reach_checked: bool = Field(
        description="Whether it was proved that every row is reached and every case has a row; a "
        "table may be too large for that."
    )
    failed_tests: list[FailedTestView] | None = Field(
        description="Test cases that do not come out; null in lists and once it is retired."
    )
    effective_from: date | None
    effective_to: date | None
    created_by: str
    created_at: Instant


class TriedView(View):
    """What a version answers."""

    rows: list[str]
    outputs: list[dict[str, Any]]


class TableAnswerView(View):
    """What a table answered about a subject, and whether it comes out again."""

    id: Annotated[
        str, Field(pattern=id_pattern(ids.TABLE_ANSWER), examples=[example_id(ids.TABLE_ANSWER)])
    ]
    version: _VersionId
    inputs: dict[str, Any]
    rows: list[str]
    outputs: list[dict[str, Any]]
    asked_by: str
    answered_at: Instant
    took_us: int
    is_same_again: bool


def show_table_version(
    version: risk.TableVersion, failed: tuple[risk.FailedTest, ...] | None = None
) -> TableVersionView:
    """Return a version as a view."""
    content = json.loads(version.content)
    return TableVersionView(
        id=show_id(ids.TABLE_VERSION, version.id),
        name=version.name,
        number=version.number,
        state=_STATES[version.state],
        digest=version.digest,
        is_reach_checked=content.pop("is_reach_checked"),
        table=content,
        failed_tests=None if failed is None else [_show_failed(each) for each in failed],
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        created_by=version.created_by,
        created_at=version.created_at,
    )


def _show_failed(failed: risk.FailedTest) -> FailedTestView:
    return FailedTestView(
        name=failed.name,
        expected=[dict(each) for each in failed.expected],
        answered=[dict(each) for each in failed.answered],
    )


def show_answer(answer: risk.TableAnswer, replay: risk.AnswerReplay) -> TableAnswerView:
    """Return an answer as a view."""
    return TableAnswerView(
        id=show_id(ids.TABLE_ANSWER, answer.id),
        version=show_id(ids.TABLE_VERSION, answer.version_id),
        inputs=dict(answer.inputs),
        rows=list(answer.rows),
        outputs=[dict(each) for each in answer.outputs],
        asked_by=answer.asked_by,
        answered_at=answer.answered_at,
        took_us=answer.took_us,
        is_same_again=replay.is_same,
    )
