"""Rebuild and compare: is everything that is stored what the journal says it must be?

Balances, holds, lines, movements and snapshots are all made from the journal. This module makes
them again, in the database and set by set, and compares; it also checks the journal itself, and
at last the transparency log, for which the journal passes through here once. It reads one
snapshot, so it may run beside a busy platform, and it changes nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.ledger.invariants import INVARIANTS, Invariant
from huitong.ledger.transparency import find_log_differences

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


#: How many there are, and the first few.
Differences = tuple[int, tuple[Difference, ...]]


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing to check: its name, the sentence that must be true, and how to find out."""

    name: str
    title: str
    run: Callable[[DriverConnection], Awaitable[Differences]]


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
    database: Database,
    *,
    more: Sequence[Invariant] = (),
    progress: Callable[[VerifyProgress], None] | None = None,
) -> VerifyReport:
    """Check every invariant of the ledger in one snapshot and return what was found.

    `more` are those that other rooms have with the ledger. Rows stay in the database: what comes
    back is a count and at most VERIFY_EXAMPLES_MAX examples for each invariant. Raises
    DatabaseUnavailable.
    """
    say = progress or (lambda _: None)
    connection = await database.connect()
    findings: list[Finding] = []
    checks = (*_CHECKS, *map(_make_check, more))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(_SETTINGS)
            counts = await connection.fetchrow(_COUNTS)
            assert counts is not None
            for number, check in enumerate(checks, start=1):
                place = (number, len(checks), check.name, check.title)
                say(VerifyProgress(*place, is_done=False))
                count, examples = await check.run(connection)
                finding = Finding(check.name, check.title, count, examples) if count else None
                if finding is not None:
                    findings.append(finding)
                say(VerifyProgress(*place, is_done=True, finding=finding))
    finally:
        await connection.close()
    return VerifyReport(
        transfers=counts["transfers"],
        accounts=counts["accounts"],
        lines=counts["lines"],
        checked=tuple(check.name for check in checks),
        findings=tuple(findings),
    )


async def _check_invariant(connection: DriverConnection, *, invariant: Invariant) -> Differences:
    rows = await connection.fetch(
        "SELECT subject, expected, found, count(*) OVER () AS total"  # noqa: S608 - our own text
        f" FROM ({invariant.differences}) d LIMIT {limits.VERIFY_EXAMPLES_MAX}"
    )
    examples = tuple(Difference(row["subject"], row["expected"], row["found"]) for row in rows)
    return (rows[0]["total"] if rows else 0), examples


async def _check_log(connection: DriverConnection) -> Differences:
    count = 0
    examples: list[Difference] = []
    async for difference in find_log_differences(connection):
        count += 1
        if count <= limits.VERIFY_EXAMPLES_MAX:
            examples.append(Difference(*difference))
    return count, tuple(examples)


def _make_check(invariant: Invariant) -> _Check:
    run = partial(_check_invariant, invariant=invariant)
    return _Check(invariant.name, invariant.title, run)


_CHECKS: Final = (
    *map(_make_check, INVARIANTS),
    _Check("log", "The transparency log is the journal's, and its checkpoints stand", _check_log),
)
#: What is checked, in this order.
CHECK_NAMES: Final = tuple(check.name for check in _CHECKS)
