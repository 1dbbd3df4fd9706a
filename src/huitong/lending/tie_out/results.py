"""What a comparison found: each check that ties, or why it does not."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tie:
    """One published check: its case, and None if all of it ties, else the reason."""

    case: str
    difference: str | None = None


class NotCovered(Exception):
    """A published case asks for what the engine does not do; says what."""
