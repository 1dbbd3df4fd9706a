"""A loan of the simulation."""

from dataclasses import dataclass, field
from datetime import date

from huitong.lending.loans.state import State
from huitong.lending.loans.types import Instalment, Loan
from huitong.lending.simulation.drawing import Drawn


@dataclass(slots=True)
class Simulated:
    """A loan with what was drawn of it; `state` is as of the last month's end."""

    drawn: Drawn
    loan: Loan
    instalments: list[Instalment]
    state: State
    ended_on: date | None = None
    paid: list[date] = field(default_factory=list)
