"""What a loop of the worker is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from huitong.kernel.database.unit_of_work import Database

#: Called with the present instant; true if it should be called again at once.
Step = Callable[[Database, datetime], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop; `interval_seconds` is the pause after a step that found nothing more to do."""

    name: str
    interval_seconds: float
    step: Step
