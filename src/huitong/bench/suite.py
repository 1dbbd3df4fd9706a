"""The benchmarks by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from huitong.bench import chaos, growth, pay, post, statement
from huitong.bench.types import Options, Result

BENCHMARKS: Final[Mapping[str, Callable[[Options], Result]]] = MappingProxyType(
    {
        "post": post.measure,
        "pay": pay.measure,
        "statement": statement.measure,
        "growth": growth.measure,
        "chaos": chaos.measure,
    }
)


def run_benchmark(name: str, options: Options) -> Result:
    """Run one benchmark by its name and return its result.

    Raises KeyError for a name that is none, BenchmarkFailed if the run's own checks fail.
    """
    return BENCHMARKS[name](options)
