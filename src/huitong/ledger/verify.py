"""Rebuild and compare: is everything that is stored what the journal says it must be?

Balances, holds, lines, movements and snapshots are all made from the journal. This module makes
them again, in the database and set by set, and compares; it also checks the journal itself. It
reads one snapshot, so it may run beside a busy platform, and it changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database
from huitong.ledger.invariants import INVARIANTS, Invariant

if TYPE_CHECKING:
    import asyncpg

_COUNTS: Final = """
    SELECT (SELECT count(*) FROM ledger.transfers) AS transfers,
           (SELECT count(*) FROM ledger.accounts) AS accounts,
           (SELECT count(*) FROM ledger.lines) AS lines
"""
# The whole ledger is read, which takes longer than any request may; sorting and hashing go to
# disk beyond work_mem. Row estimates may be stale after bulk loads, and a nested loop chosen by
# mistake would take hours.
_SETTINGS: Final = """
    SET LOCAL statement_timeout = 0;
    SET LOCAL work_mem = '64MB';
    SET LOCAL enable_nestloop = off;
    SET LOCAL jit = off;
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it must be."""

    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that does not hold: how often, and the first few examples."""

    invariant: str
    title: str
    count: int
    examples: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class VerifyProgress:
    """That invariant `number` of `total` is about to be checked, or was: then with its finding."""

    number: int
    total: int
    invariant: str
    title: str
    is_done: bool
    finding: Finding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was looked at, and what was found."""

    transfers: int
    accounts: int
    lines: int
    checked: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether every invariant holds."""
        return not self.findings


async def verify_ledger(
    database: Database, *, progress: Callable[[VerifyProgress], None] | None = None
) -> VerifyReport:
    """Check every invariant of the ledger in one snapshot and return what was found.

    Rows stay in the database: what comes back is a count and at most VERIFY_EXAMPLES_MAX examples
    for each invariant. Raises DatabaseUnavailable.
    """
    say = progress or (lambda _: None)
    connection = await database.connect()
    findings: list[Finding] = []
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_SETTINGS)
            counts = await connection.fetchrow(_COUNTS)
            assert counts is not None
            total = len(INVARIANTS)
            for number, invariant in enumerate(INVARIANTS, start=1):
                place = (number, total, invariant.name, invariant.title)
                say(VerifyProgress(*place, is_done=False))
                finding = await _check(connection, invariant)
                if finding is not None:
                    findings.append(finding)
                say(VerifyProgress(*place, is_done=True, finding=finding))
    finally:
        await connection.close()
    return VerifyReport(
        transfers=counts["transfers"],
        accounts=counts["accounts"],
        lines=counts["lines"],
        checked=tuple(invariant.name for invariant in INVARIANTS),
        findings=tuple(findings),
    )


async def _check(
    connection: "asyncpg.Connection[asyncpg.Record]", invariant: Invariant
) -> Finding | None:
    rows = await connection.fetch(
        "SELECT subject, expected, found, count(*) OVER () AS total"  # noqa: S608 - our own text
        f" FROM ({invariant.differences}) d LIMIT {limits.VERIFY_EXAMPLES_MAX}"
    )
    if not rows:
        return None
    return Finding(
        invariant.name,
        invariant.title,
        rows[0]["total"],
        tuple(Difference(row["subject"], row["expected"], row["found"]) for row in rows),
    )
