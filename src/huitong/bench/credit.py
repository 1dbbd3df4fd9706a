"""`bench credit`: how long one credit decision with its reasons takes; one core, no database.

Who may borrow at all, by its table; the score by the shipped scorecard, with reasons; limit and
price. The baseline scores the same applications by boosted trees with exact Shapley values.
"""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any, Final

import numpy as np

from huitong import risk
from huitong.bench.machine import describe_machine
from huitong.bench.types import BenchmarkFailed, Options, Result, Target
from huitong.kernel.clock import business_day
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

APPLICANTS: Final = 2_000
_ROUNDS: Final = 5
_TERM_MONTHS: Final = 12
_TARGETS: Final = (Target(figure="decision_p99_ms", value=50.0, is_maximum=True),)
_NOTES: Final = (
    "Simulated applicants, one after the other: the table of who may borrow, the scorecard with up "
    "to four reasons, limit and price. What a room writes down beside it is not in it. `trees` is "
    "a score by boosted trees with exact Shapley values as reasons, and nothing else. Times are by "
    "the clock; `processor` is what of the decisions the process itself took."
)


def measure(options: Options) -> Result:
    """Measure both in turns. Raises BenchmarkFailed if nobody, or everybody, is offered terms."""
    count = options.scaled(APPLICANTS, least=50)
    options.say(f"simulating {count:,} applicants and training trees")
    applications, explain = risk.make_credit_bench(count, seed=options.seed)
    decide = _make_decider()
    offered = sum(decide(each) for each in applications)
    if not 0 < offered < count:
        raise BenchmarkFailed(f"{offered} of {count} applicants are offered terms")
    decisions, scores = _Times(), _Times()
    options.say("deciding in turns")
    for _ in range(_ROUNDS):
        seconds = options.seconds / _ROUNDS / 2
        decisions.take(decide, applications, seconds)
        scores.take(explain, applications, seconds)
    return Result(
        name="credit",
        title="Credit decisions with their reasons",
        figures={
            "decision_p50_ms": decisions.quantile(0.5),
            "decision_p99_ms": decisions.quantile(0.99),
            "decision_processor_p99_ms": decisions.quantile(0.99, of_processor=True),
            "decisions_per_second_a_core": decisions.per_second,
            "offered_share": offered / count,
        },
        baselines={
            "trees_p50_ms": scores.quantile(0.5),
            "trees_p99_ms": scores.quantile(0.99),
        },
        machine=describe_machine(),
        details={"notes": _NOTES},
        targets=_TARGETS,
    )


def _make_decider() -> Callable[[Mapping[str, Any]], bool]:
    """Return what decides about one application: whether terms are offered."""
    rulebook, today = Rulebook.load(), business_day(datetime.now(UTC))
    tables = {
        name: risk.read_table(risk.default_table(name, rulebook, today), risk.get_schema(name))
        for name in ("loan_eligibility", "loan_price")
    }
    eligibility, prices = tables["loan_eligibility"], tables["loan_price"]

    def decide(features: Mapping[str, Any]) -> bool:
        amount = Money(max(1, int(features["monthly_income"] or 1)), "CNY")
        hit = eligibility.ask(eligibility.read_inputs(_ask_whether(features, amount)))
        score = risk.score_application(features, rulebook=rulebook, on=today)
        if hit.outputs[0]["outcome"] == "refused":
            return False
        terms = risk.propose_terms(
            grade=score.grade,
            ability=risk.Ability(
                monthly_income=amount,
                monthly_repayments=Money.zero("CNY"),
                exposure=Money.zero("CNY"),
                has_borrowed=False,
            ),
            term_months=_TERM_MONTHS,
            prices=prices,
            rulebook=rulebook,
            on=today,
        )
        return terms.limit.is_positive

    return decide


def _ask_whether(features: Mapping[str, Any], amount: Money) -> dict[str, Any]:
    debt, overdue = features["debt_to_income"], features["overdue_days_24m"]
    return {
        "age": 35,
        "amount": amount.minor,
        "term_months": _TERM_MONTHS,
        "use": "consumption",
        "exposure": amount.minor,
        "debt_to_income": None if debt is None else f"{debt:.4f}",
        "overdue_days": 0,
        "overdue_days_24m": None if overdue is None else int(overdue),
    }


@dataclass(slots=True, eq=False)
class _Times:
    """How long each run took, in nanoseconds: by the clock, and of the process."""

    by_clock: list[int] = field(default_factory=list)
    of_processor: list[int] = field(default_factory=list)

    def take(
        self,
        run: Callable[[Mapping[str, Any]], object],
        applications: Sequence[Mapping[str, Any]],
        seconds: float,
    ) -> None:
        """Run over the applications, again and again, until the seconds are over."""
        gc.collect()
        ends = time.perf_counter() + seconds
        for each in cycle(applications):
            processor, clock = time.process_time_ns(), time.perf_counter_ns()
            run(each)
            self.by_clock.append(time.perf_counter_ns() - clock)
            self.of_processor.append(time.process_time_ns() - processor)
            if time.perf_counter() >= ends:
                return

    def quantile(self, share: float, *, of_processor: bool = False) -> float:
        """Return a quantile in milliseconds."""
        times = self.of_processor if of_processor else self.by_clock
        return round(float(np.quantile(times, share)) / 1e6, 3)

    @property
    def per_second(self) -> int:
        """Return how many a second of the process's time there were."""
        return round(len(self.of_processor) / (sum(self.of_processor) / 1e9))
