"""What happened: every payment that was tried, by whom in the story, and how it ended."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from huitong.demo.client import Answer

HONEST = "honest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act of the story: `part` is `honest` or the attack, `outcome` the status or the code."""

    part: str
    what: str
    at: datetime
    amount: int
    outcome: str
    body: dict[str, Any]


@dataclass(slots=True)
class Diary:
    """All entries, in the order of the story's time."""

    entries: list[Entry] = field(default_factory=list)

    def note(self, part: str, what: str, answer: Answer, *, at: datetime, amount: int = 0) -> Entry:
        """Write down an act and how the platform answered."""
        body = answer.body if isinstance(answer.body, dict) else {}
        outcome = answer.code or str(body.get("status") or answer.status)
        entry = Entry(part=part, what=what, at=at, amount=amount, outcome=outcome, body=body)
        self.entries.append(entry)
        return entry

    def of(self, part: str) -> list[Entry]:
        """Return the entries of a part."""
        return [entry for entry in self.entries if entry.part == part]

    def count_outcomes(self, part: str) -> Counter[str]:
        """Return how many acts of a part ended in which way."""
        return Counter(entry.outcome for entry in self.of(part))


def sum_amounts(entries: Sequence[Entry]) -> int:
    """Return the money of entries, in minor units."""
    return sum(entry.amount for entry in entries)
