"""The benchmarks by name."""

from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Final

from huitong.bench.types import Options, Result

#: By name and not imported, so that every other command starts without loading them.
BENCHMARKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "post": "huitong.bench.post:measure",
        "pay": "huitong.bench.pay:measure",
        "statement": "huitong.bench.statement:measure",
        "auth": "huitong.bench.auth:measure",
        "crypto": "huitong.bench.crypto:measure",
        "onboarding": "huitong.bench.onboarding:measure",
        "decide": "huitong.bench.decide:measure",
        "backtest": "huitong.bench.backtest:measure",
        "credit": "huitong.bench.credit:measure",
        "iso20022": "huitong.bench.iso20022:measure",
        "schedule": "huitong.bench.schedule:measure",
        "accrue": "huitong.bench.accrue:measure",
        "growth": "huitong.bench.growth:measure",
        "bulk": "huitong.bench.bulk:measure",
        "clearing": "huitong.bench.clearing:measure",
        "reconcile": "huitong.bench.reconcile:measure",
        "chaos": "huitong.bench.chaos:measure",
    }
)


def run_benchmark(name: str, options: Options) -> Result:
    """Run one benchmark by its name and return its result.

    Raises KeyError for a name that is none, BenchmarkFailed if the run's own checks fail.
    """
    measure: Callable[[Options], Result] = resolve_name(BENCHMARKS[name])
    return measure(options)
