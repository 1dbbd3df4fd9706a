"""Benchmarks: how fast Huitong is on this machine, each figure beside a baseline of the same run.

Each benchmark is a module with one public `measure`; `suite` knows them by name. The command
`huitong bench` shows the results and keeps them; nothing here is used by the platform itself.
"""

from huitong.bench.suite import BENCHMARKS, run_benchmark
from huitong.bench.types import BenchmarkFailed, Options, Result, Target

__all__ = ["BENCHMARKS", "BenchmarkFailed", "Options", "Result", "Target", "run_benchmark"]
