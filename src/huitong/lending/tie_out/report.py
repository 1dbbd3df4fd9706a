"""All published cases of a directory, and the share of each file that ties."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from huitong.lending.tie_out.first_schedules import compare_first_schedules
from huitong.lending.tie_out.level_payments import compare_level_payments
from huitong.lending.tie_out.rates import compare_annual_rates, compare_internal_rates
from huitong.lending.tie_out.results import Tie
from huitong.lending.tie_out.scenarios import compare_scenarios

_Comparer = Callable[[list[dict[str, Any]]], Iterator[Tie]]
#: By what is in a file's name.
_COMPARERS: Final[dict[str, _Comparer]] = {
    "progressive_emi": compare_level_payments,
    "initial_schedules": compare_first_schedules,
    "schedule_cases": compare_scenarios,
    "xirr": compare_internal_rates,
    "apr_reference": compare_annual_rates,
}


@dataclass(frozen=True, slots=True)
class TieOut:
    """What one file's checks came to."""

    file: str
    ties: tuple[Tie, ...]

    @property
    def tied(self) -> int:
        """Return how many checks tie in every figure."""
        return sum(each.difference is None for each in self.ties)

    def to_json(self) -> dict[str, Any]:
        """Return the counts, the reasons with how often each holds, and each check that differs."""
        differing = [each for each in self.ties if each.difference is not None]
        return {
            "file": self.file,
            "checks": len(self.ties),
            "tied": self.tied,
            "share": round(self.tied / len(self.ties), 4) if self.ties else None,
            "reasons": dict(Counter(_reason(each) for each in differing).most_common()),
            "differing": [{"case": each.case, "why": each.difference} for each in differing],
        }


def _reason(tie: Tie) -> str:
    assert tie.difference is not None
    is_named = tie.difference.startswith("not covered")
    return tie.difference if is_named else "figures differ"


def tie_out(directory: Path) -> list[TieOut]:
    """Compare every file of published cases in a directory whose name says what it holds.

    Raises FileNotFoundError if there is none, ValueError for one that cannot be read.
    """
    found = []
    for path in sorted(directory.glob("*.json*")):
        comparer = next((each for key, each in _COMPARERS.items() if key in path.name), None)
        if comparer is not None:
            found.append(TieOut(path.name, tuple(comparer(_read(path)))))
    if not found:
        raise FileNotFoundError(f"{directory} holds no published cases that are known by name")
    return found


def _read(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    try:
        read = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error
    if not isinstance(read, list):
        raise ValueError(f"{path.name} must hold a list of cases")
    return read
