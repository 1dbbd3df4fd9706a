"""A simulated book of loans with a past, so that the portfolio has something to show.

Borrowers are drawn from a seed; everything after that is reckoned as it is for real loans:
schedules, balances, classes, stages, provisions, postings and figures.
"""

from huitong.lending.simulation.running import SimulationRefused, simulate_portfolio

__all__ = ["SimulationRefused", "simulate_portfolio"]
