"""`bench schedule`: repayment schedules of level payments; one core, no database."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from huitong.bench.machine import describe_machine
from huitong.bench.types import BenchmarkFailed, Options, Result, Rounds, Target
from huitong.lending import (
    Cycle,
    DayCount,
    Disbursement,
    MonthBasis,
    Plan,
    TimeUnit,
    YearBasis,
    make_periods,
    make_schedule,
)

LOANS: Final = 2_000
_ROUNDS: Final = 5
_TARGETS: Final = (Target(figure="schedules_per_second", value=20_000),)
_TERMS: Final = (3, 6, 12, 12, 12, 24, 36)
_MONTHLY: Final = Cycle(1, TimeUnit.MONTHS)
_DAY_COUNT: Final = DayCount(YearBasis.DAYS_360, MonthBasis.DAYS_30)
_BEGINS: Final = date(2026, 1, 1)
_DAYS: Final = 365
_CENT: Final = Decimal("0.01")
_NOTES: Final = (
    "Loans of 3 to 36 months (15 on average) with 60 different rates, begun on any day of a year. "
    "Of loans with the same days and rate the worth of a level payment is kept. `naive` finds each "
    "with decimals by the annuity formula, without spreading the last payment's difference. Time "
    "is that of the process."
)


def make_plans(count: int, seed: int) -> list[Plan]:
    """Return so many loans' terms, the same for each seed."""
    chance = random.Random(seed)  # noqa: S311 - it is to be repeatable
    return [_make_plan(chance) for _ in range(count)]


def _make_plan(chance: random.Random) -> Plan:
    start = _BEGINS + timedelta(days=chance.randrange(_DAYS))
    return Plan(
        periods=make_periods(start, _MONTHLY, chance.choice(_TERMS)),
        cycle=_MONTHLY,
        day_count=_DAY_COUNT,
        annual_rate=Decimal(chance.randrange(30, 240, 4)) / 1_000,
        disbursements=(Disbursement(start, chance.randrange(10**5, 3 * 10**7)),),
    )


def naive_schedule(plan: Plan) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Return principal, interest and balance of each payment, by the annuity formula."""
    balance = Decimal(plan.disbursements[0].amount) / 100
    rate, count = plan.annual_rate / 12, len(plan.periods)
    level = balance * rate / (1 - (1 + rate) ** -count)
    level = level.quantize(_CENT, ROUND_HALF_EVEN)
    rows = []
    for number in range(1, count + 1):
        interest = (balance * rate).quantize(_CENT, ROUND_HALF_EVEN)
        principal = balance if number == count else level - interest
        balance -= principal
        rows.append((principal, interest, balance))
    return rows


def measure(options: Options) -> Result:
    """Measure both ways in turns. Raises BenchmarkFailed if principal does not sum."""
    plans = make_plans(options.scaled(LOANS, least=20), options.seed)
    for plan in plans:
        if sum(row.principal for row in make_schedule(plan)) != plan.disbursements[0].amount:
            raise BenchmarkFailed("principal does not sum to what was lent")
    ways: dict[str, Callable[[Plan], object]] = {
        "schedules_per_second": make_schedule,
        "naive_per_second": naive_schedule,
    }
    rounds = Rounds()
    options.say(f"making schedules of {len(plans):,} loans in turns")
    for _ in range(_ROUNDS):
        for name, make in ways.items():
            rounds.add(name, _rate(make, plans, options.seconds / _ROUNDS / len(ways)))
    return Result(
        name="schedule",
        title="Repayment schedules",
        figures={
            "schedules_per_second": rounds.median("schedules_per_second"),
            "payments_in_a_schedule": sum(len(plan.periods) for plan in plans) / len(plans),
        },
        baselines={"naive_per_second": rounds.median("naive_per_second")},
        machine=describe_machine(),
        details={"rounds": rounds.shown(), "notes": _NOTES},
        targets=_TARGETS,
    )


def _rate(make: Callable[[Plan], object], plans: Sequence[Plan], seconds: float) -> float:
    """Return how many a second of the process's time are made."""
    done, started = 0, time.process_time()
    while (taken := time.process_time() - started) < seconds or not done:
        for plan in plans:
            make(plan)
        done += len(plans)
    return done / taken
