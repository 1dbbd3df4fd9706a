"""`bench onboarding`: how long a person waits from handing an application in to the decision.

A whole platform as users start it, its simulated registries as a process, and people with drawn
cards who apply over HTTP. What is measured is the worker's real way: its pause before it looks,
reading evidence, the picture desk, the registries, and the decision that is committed.
"""

import asyncio
import base64
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import Any, Final, Protocol

import httpx
import numpy as np
import psutil

from huitong.bench.machine import describe_machine
from huitong.bench.scratch import prepare_database
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.customers import CardSide, PictureDesk
from huitong.wiring.trial import Trial, issue_key, trial_platform

_APPLICATIONS: Final = "/v1/onboarding/applications"
_SCOPES: Final = ("onboarding:read", "onboarding:write")
#: By name: benchmarks and demonstrations do not know each other.
_PEOPLE: Final = "huitong.demo.onboarding.applicants:draw_applicants"
_DESK_MODULE: Final = "huitong.customers.evidence.picture_desk.process"
_PEOPLE_LEAST: Final = 2
_DECISION_SECONDS_MAX: Final = 120.0
#: Asking more often would take from the processors what is being measured.
_POLL_SECONDS: Final = 0.1
_REQUEST_SECONDS_MAX: Final = 30.0
_TARGETS: Final = (Target(figure="decision_p99_ms", value=5_000, is_maximum=True),)


class Applicant(Protocol):
    """A made-up person, as the demonstration draws them."""

    pictures: dict[str, bytes]

    def body(self) -> dict[str, Any]:
        """Return what is typed."""
        ...


@dataclass(slots=True)
class _Times:
    """Milliseconds of each person, in the order in which they applied."""

    decision: list[float] = field(default_factory=list)
    reading: list[float] = field(default_factory=list)
    pictures: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)


def measure(options: Options) -> Result:
    """Run the benchmark on a platform of its own."""
    with trial_platform(arguments=("--demo",), say=options.say) as trial:
        times = asyncio.run(_measure(trial, options))
        scratch = prepare_database(trial.home, trial.settings)
        return _make_result(times, describe_machine(scratch))


async def _measure(trial: Trial, options: Options) -> _Times:
    issued = await issue_key(
        trial.settings, name="bench onboarding", scopes=_SCOPES, now=datetime.now(UTC)
    )
    people: Iterator[Applicant] = resolve_name(_PEOPLE)(options.seed)
    times = _Times()
    client = httpx.AsyncClient(
        base_url=trial.url,
        headers={"Authorization": f"Bearer {issued.secret}"},
        timeout=_REQUEST_SECONDS_MAX,
        trust_env=False,
    )
    async with client, PictureDesk() as desk:
        deadline = time.perf_counter() + options.seconds
        # The first one also wakes both desks, and is shown apart.
        while len(times.decision) < _PEOPLE_LEAST or time.perf_counter() < deadline:
            applicant = next(people)
            await _apply(client, applicant, times)
            await _read_alone(desk, applicant, times)
            options.say(f"person {len(times.decision)}: {times.decision[-1]:,.0f} ms")
    return times


async def _apply(client: httpx.AsyncClient, applicant: Applicant, times: _Times) -> None:
    """Let a person apply and note how long the decision took from the moment of handing in."""
    body = {"requested_class": 1, "consent": "bench"}
    path = f"{_APPLICATIONS}/{(await _post(client, _APPLICATIONS, body))['id']}"
    await _post(client, f"{path}/person", applicant.body())
    for kind, content in applicant.pictures.items():
        picture = {"kind": kind, "content": base64.b64encode(content).decode()}
        await _post(client, f"{path}/pictures", picture)
    started = time.perf_counter()
    await _post(client, f"{path}/submission", {})
    while (state := (await _get(client, path))["state"]) == "checking":
        if time.perf_counter() - started > _DECISION_SECONDS_MAX:
            raise BenchmarkFailed("an application was not decided", retryable=False)
        await asyncio.sleep(_POLL_SECONDS)
    times.decision.append((time.perf_counter() - started) * 1_000)
    times.states[state] += 1


async def _read_alone(desk: PictureDesk, applicant: Applicant, times: _Times) -> None:
    """Note how long the same pictures take with no platform around: text, then faces."""
    front, back = applicant.pictures["id_front"], applicant.pictures["id_back"]
    processor = _read_processor_seconds()
    started = time.perf_counter()
    await desk.read_card(front, side=CardSide.FRONT, field="id_front")
    await desk.read_card(back, side=CardSide.BACK, field="id_back")
    read = time.perf_counter()
    await desk.compare(document=front, selfie=applicant.pictures["selfie"])
    times.reading.append((read - started) * 1_000)
    times.pictures.append((time.perf_counter() - started) * 1_000)
    times.processor.append((_read_processor_seconds() - processor) * 1_000)


def _read_processor_seconds() -> float:
    """Return what our own picture desk, not the platform's, has used of the processors."""
    children = psutil.Process().children()
    used = [child.cpu_times() for child in children if _DESK_MODULE in child.cmdline()]
    return float(sum(each.user + each.system for each in used))


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
    return _read(answer)


async def _get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    return _read(await client.get(path))


def _read(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise BenchmarkFailed(f"{answer.url} said {answer.status_code}", retryable=False)
    found: dict[str, Any] = answer.json()
    return found


def _make_result(times: _Times, machine: dict[str, Any]) -> Result:
    approved = times.states["approved"]
    failures: tuple[str, ...] = ()
    if approved < len(times.decision):
        failures = (f"{len(times.decision) - approved} people were not approved",)
    return Result(
        name="onboarding",
        title="Opening an account, pictures read",
        figures={
            **_percentiles("decision", times.decision[1:]),
            "first_decision_ms": round(times.decision[0]),
            "people": len(times.decision),
            "approved": approved,
        },
        baselines={
            **_percentiles("ocr_alone", times.reading[1:]),
            **_percentiles("pictures_alone", times.pictures[1:]),
            "pictures_alone_processor_p50_ms": round(float(np.median(times.processor[1:]))),
            "first_ocr_alone_ms": round(times.reading[0]),
        },
        machine=machine,
        details={
            "rounds": {
                "decision_ms": [round(each) for each in times.decision],
                "ocr_alone_ms": [round(each) for each in times.reading],
                "pictures_alone_ms": [round(each) for each in times.pictures],
            },
            "notes": _NOTES,
        },
        targets=_TARGETS,
        failures=failures,
    )


def _percentiles(name: str, values: list[float]) -> dict[str, int]:
    return {
        f"{name}_p{percent}_ms": round(float(np.percentile(values, percent)))
        for percent in (50, 99)
    }


_NOTES: Final = {
    "decision_p99_ms": "from POST …/submission to the first answer that has the decision, one "
    "person after the other; the worker looks once a second. Of so few people it is the slowest",
    "first_decision_ms": "the same of the first person, for whom the picture desk starts and loads "
    "its models; not among the others",
    "ocr_alone_p50_ms": "both sides of the same card read by a picture desk of our own, no "
    "platform around, in turns with the decisions",
    "pictures_alone_p50_ms": "the same and the two faces compared",
    "pictures_alone_processor_p50_ms": "processor time of that, all threads: it does not grow with "
    "what else the machine does, while the desk, which is nice to payments, waits",
}
