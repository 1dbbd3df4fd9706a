"""Consents, people's requests and views of their data, as they travel."""

from datetime import date
from typing import Annotated, Any, ClassVar

from fastapi import Path
from pydantic import ConfigDict, Field

from huitong import privacy
from huitong.api.schemas.common import Body, Instant, View, example_id, id_pattern
from huitong.kernel import limits
from huitong.kernel.ids import SUBJECT_REQUEST, show_id

_PURPOSE_PATTERN = "^[a-z][a-z0-9_]{0,62}$"
_FIELD_PATTERN = r"^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){2}$"
_KINDS = "|".join(privacy.RequestKind)

Purpose = Annotated[
    str,
    Field(
        pattern=_PURPOSE_PATTERN,
        description="What the data is used for; see the consent texts.",
        examples=["marketing"],
    ),
]
# Not a Literal: for that 1.0 and True are 1.
Version = Annotated[
    int, Field(ge=1, le=2**31 - 1, description="The version of the text that the person saw.")
]
Channel = Annotated[
    str,
    Field(
        pattern="^[a-z][a-z0-9_]{0,31}$",
        description="How the person did it: app, web, counter, api.",
        examples=["app"],
    ),
]
RequestKindText = Annotated[
    str,
    Field(
        pattern=f"^({_KINDS})$",
        description="See, copy, correct or delete the data, close the account, or object to "
        "decisions that a machine alone makes.",
        examples=["copy"],
    ),
]
SubjectRequestPath = Annotated[
    str,
    Path(
        pattern=id_pattern(SUBJECT_REQUEST),
        description="The request's id.",
        examples=[example_id(SUBJECT_REQUEST)],
    ),
]


class WordsView(View):
    """One text in both languages."""

    zh: str
    en: str


class ConsentTextView(View):
    """What a person agrees to, word for word."""

    purpose: str
    version: int
    effective_from: date
    kinds: list[str] = Field(description="The kinds of data that it is about.")
    is_sensitive: bool
    is_separate: bool = Field(description="It must be asked for alone, not bundled.")
    title: WordsView
    text: WordsView
    withdrawing: WordsView = Field(description="What withdrawing does.")
    sha256: str = Field(description="Digest of the whole version; it stands in each consent.")


class ConsentTextsView(View):
    """All texts in force."""

    data: list[ConsentTextView]


class ConsentView(View):
    """Where a person stands with one purpose."""

    purpose: str
    is_given: bool = Field(description="Whether the consent holds now.")
    version_given: int | None = Field(description="Null if it was never given.")
    version_in_force: int
    recorded_at: Instant | None = Field(description="When it was last given or withdrawn.")


class ConsentsView(View):
    """Where a person stands with every purpose."""

    data: list[ConsentView]


class GiveConsent(Body):
    """A person agrees to one purpose."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "marketing", "version": 1, "channel": "app"}]}
    )

    purpose: Purpose
    version: Version
    channel: Channel


class WithdrawConsent(Body):
    """A person takes a consent back."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"purpose": "marketing", "channel": "app"}]}
    )

    purpose: Purpose
    channel: Channel


class CreateSubjectRequest(Body):
    """What a person asks about their data."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        json_schema_extra={"examples": [{"kind": "copy"}]}
    )

    kind: RequestKindText
    corrections: (
        dict[
            Annotated[str, Field(pattern=_FIELD_PATTERN)],
            Annotated[str, Field(min_length=1, max_length=limits.CORRECTION_LENGTH_MAX)],
        ]
        | None
    ) = Field(
        default=None,
        max_length=limits.CORRECTIONS_MAX,
        description="For `correct`: each field with its right text.",
    )


class ReasonView(View):
    """Why a request was refused, or what blocks it."""

    code: str = Field(examples=["kept_by_law"])
    words: WordsView | None = Field(description="For the person; null for what blocks.")
    source: str | None = Field(description="The law behind it.")


class StepView(View):
    """One step of a request."""

    state: str
    reasons: list[ReasonView]
    recorded_at: Instant


class SubjectRequestView(View):
    """A request, and how far it has come."""

    id: str = Field(pattern=id_pattern(SUBJECT_REQUEST), examples=[example_id(SUBJECT_REQUEST)])
    kind: RequestKindText
    state: str = Field(examples=["received"])
    received_at: Instant
    due_on: date = Field(description="The day by which we mean to answer: 15 business days.")
    latest_on: date = Field(description="The last day permitted: 30 days.")
    closed_at: Instant | None


class SubjectRequestsView(View):
    """A person's requests, newest first."""

    data: list[SubjectRequestView]


class HistoryView(View):
    """A request's steps, oldest first."""

    data: list[StepView]


class ExportView(View):
    """A copy of everything that is kept about a person."""

    content: dict[str, Any] = Field(
        description="As the schema `urn:huitong:schema:subject-export:1` describes it."
    )


class DisclosureView(View):
    """One time that staff saw fields of the person in full."""

    role: str
    purpose: str
    fields: list[str]
    disclosed_at: Instant


def show_text(text: privacy.ConsentText) -> ConsentTextView:
    """Return a consent text as a view."""
    return ConsentTextView(
        purpose=text.purpose,
        version=text.version,
        effective_from=text.effective_from,
        kinds=list(text.kinds),
        is_sensitive=text.is_sensitive,
        is_separate=text.is_separate,
        title=WordsView(zh=text.title.zh, en=text.title.en),
        text=WordsView(zh=text.text.zh, en=text.text.en),
        withdrawing=WordsView(zh=text.withdrawing.zh, en=text.withdrawing.en),
        sha256=text.digest.hex(),
    )


def show_consent(
    text: privacy.ConsentText, last: privacy.Consent | None, *, is_given: bool
) -> ConsentView:
    """Return where a person stands with a purpose as a view."""
    return ConsentView(
        purpose=text.purpose,
        is_given=is_given,
        version_given=None if last is None else last.version,
        version_in_force=text.version,
        recorded_at=None if last is None else last.recorded_at,
    )


def show_request(request: privacy.SubjectRequest) -> SubjectRequestView:
    """Return a request as a view."""
    return SubjectRequestView(
        id=show_id(SUBJECT_REQUEST, request.id),
        kind=request.kind.value,
        state=request.state.value,
        received_at=request.received_at,
        due_on=request.due_on,
        latest_on=request.latest_on,
        closed_at=request.closed_at,
    )


def show_step(step: privacy.RequestStep) -> StepView:
    """Return a step as a view, without who made it: the person has no need to know."""
    return StepView(
        state=step.state.value,
        reasons=[_show_reason(code) for code in step.reasons],
        recorded_at=step.recorded_at,
    )


def _show_reason(code: str) -> ReasonView:
    rule = privacy.RequestRules.load().refusals.get(code)
    if rule is None:
        return ReasonView(code=code, words=None, source=None)
    words = WordsView(zh=rule.words.zh, en=rule.words.en)
    return ReasonView(code=code, words=words, source=rule.source)


def show_disclosure(disclosure: privacy.Disclosure) -> DisclosureView:
    """Return a full view as the person gets it: neither who it was nor their words."""
    return DisclosureView(
        role=disclosure.role,
        purpose=disclosure.purpose,
        fields=list(disclosure.fields),
        disclosed_at=disclosure.disclosed_at,
    )
