"""The seeded fault run: clients pay while processes are killed, and then every yuan is counted.

It measures nothing but whether the platform's promises hold when its processes die.
"""

from huitong.bench.chaos.plan import Strike, Victim, make_plan
from huitong.bench.chaos.run import ChaosResult, measure, run_chaos

__all__ = ["ChaosResult", "Strike", "Victim", "make_plan", "measure", "run_chaos"]
