"""Is the audit trail what it was when it was sealed? Says which record is not.

Every leaf is made again from its record and compared with the stored hash, the tree is grown again
from the stored hashes, and its root is compared with every signed checkpoint. So a changed record
shows by its hash; if the hash was changed with it, by the next checkpoint, whose signature nobody
can make without the key. Notes that were kept outside the database show a trail that was cut off.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from huitong.kernel import limits
from huitong.kernel.audit_chain import store
from huitong.kernel.audit_chain.leaves import encode_row
from huitong.kernel.checkpoints import Checkpoint, Published, open_checkpoint
from huitong.kernel.database.unit_of_work import Database, DriverConnection
from huitong.kernel.errors import InvalidField
from huitong.kernel.merkle import CompactRange, hash_leaf
from huitong.kernel.notes import NoteNotValid, PublicKey

_NEVER_SEALED: Final = "a record that was sealed or waits for it"
_SECONDS_MAX: Final = 24 * 3_600


class AuditDifference(NamedTuple):
    """One thing in the trail that is not as it must be."""

    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the checker knows by another way than the database."""

    #: Keys whose signatures count.
    keys: tuple[PublicKey, ...] = ()
    #: Signed notes that were kept elsewhere; the trail must continue each one.
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class AuditReport:
    """What was looked at and what was found; `differences` holds the first ones only."""

    sealed: int = 0
    waiting: int = 0
    checkpoints: int = 0
    count: int = 0
    differences: list[AuditDifference] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return self.count == 0

    def add(self, difference: AuditDifference) -> None:
        """Count a difference, and keep it if it is one of the first."""
        self.count += 1
        if len(self.differences) < limits.AUDIT_DIFFERENCES_SHOWN_MAX:
            self.differences.append(difference)


async def verify_audit(database: Database, trust: Trust) -> AuditReport:
    """Check the whole trail in one snapshot, changing nothing; memory does not grow with it."""
    report = AuditReport()
    connection = await database.connect()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = '{_SECONDS_MAX}s'")
            report.waiting = await store.count_waiting(connection)
            async for difference in _find_differences(connection, trust, report):
                report.add(difference)
    finally:
        await connection.close()
    return report


async def _find_differences(
    connection: DriverConnection, trust: Trust, report: AuditReport
) -> AsyncIterator[AuditDifference]:
    origin: str = await connection.fetchval("SELECT origin FROM kernel.audit_head")
    checker = _Checker(origin=origin, trust=trust, report=report)
    for difference in checker.open_notes():
        yield difference
    checkpoints = store.read_checkpoints(connection)
    following = await anext(checkpoints, None)
    async for leaf in store.read_leaves(connection):
        for difference in checker.take(leaf):
            yield difference
        while following is not None and following.size <= checker.tree.size:
            for difference in checker.compare(following):
                yield difference
            following = await anext(checkpoints, None)
    while following is not None:
        for difference in checker.compare(following):
            yield difference
        following = await anext(checkpoints, None)
    for difference in checker.compare_end(await _read_head(connection)):
        yield difference
    async for audit_id in store.read_slipped_in(connection):
        yield AuditDifference(f"record {audit_id}", _NEVER_SEALED, "one that was slipped in")
    async for audit_id in store.read_gone_unsealed(connection):
        yield AuditDifference(f"record {audit_id}", "a record that waits to be sealed", "none")


async def _read_head(connection: DriverConnection) -> CompactRange | None:
    try:
        return (await store.read_head(connection)).tree
    except ValueError:
        return None


@dataclass(slots=True, kw_only=True)
class _Checker:
    """Grows the tree again, leaf by leaf, and holds it to what was signed."""

    origin: str
    trust: Trust
    report: AuditReport
    tree: CompactRange = field(default_factory=CompactRange)
    #: Up to which size the stored hashes are those that were signed.
    proven: int = 0
    is_broken: bool = False
    kept: dict[int, Checkpoint] = field(default_factory=dict)

    def open_notes(self) -> Iterator[AuditDifference]:
        """Read the notes that were kept elsewhere."""
        for note in self.trust.notes:
            try:
                checkpoint = self._open(note)
            except NoteNotValid as refusal:
                yield AuditDifference("kept checkpoint", "a note of this trail", refusal.detail)
            else:
                self.kept[checkpoint.size] = checkpoint

    def take(self, leaf: store.Leaf) -> Iterator[AuditDifference]:
        """Compare a leaf with its record, and add it to the tree."""
        self.report.sealed += 1
        subject = f"record {leaf.audit_id} at place {leaf.position}"
        if leaf.position != self.tree.size:
            yield AuditDifference(subject, f"place {self.tree.size}", "places that are missing")
        if leaf.row is None:
            yield AuditDifference(subject, "a record", "none: it was deleted")
        elif hash_leaf(encode_row(leaf.row)) != leaf.leaf_hash:
            yield AuditDifference(subject, "the record as it was sealed", "one that was changed")
        self.tree.append(leaf.leaf_hash)
        kept = self.kept.pop(self.tree.size, None)
        if kept is not None:
            yield from self._compare_root("kept checkpoint", kept)

    def compare(self, published: Published) -> Iterator[AuditDifference]:
        """Compare a checkpoint of the database with the tree at its size."""
        self.report.checkpoints += 1
        subject = f"checkpoint of size {published.size}"
        try:
            signed = self._open(published.note)
        except NoteNotValid as refusal:
            yield AuditDifference(subject, "a note of a trusted key", refusal.detail)
            return
        if (signed.size, signed.root) != (published.size, published.root):
            yield AuditDifference(subject, "what its note says", "another size or root")
        yield from self._compare_root(subject, signed)

    def compare_end(self, head: CompactRange | None) -> Iterator[AuditDifference]:
        """Compare the end of the tree with the head, and with notes that go beyond it."""
        if head is None or (head.size, head.roots) != (self.tree.size, self.tree.roots):
            size = "unreadable" if head is None else f"{head.size} leaves"
            yield AuditDifference("head", f"{self.tree.size} leaves and their roots", size)
        for checkpoint in self.kept.values():
            yield from self._compare_root("kept checkpoint", checkpoint)

    def _compare_root(self, subject: str, signed: Checkpoint) -> Iterator[AuditDifference]:
        if signed.size != self.tree.size:
            yield AuditDifference(
                subject, f"a trail of at least {signed.size} records", f"{self.tree.size}"
            )
        elif signed.root == self.tree.root():
            self.proven = signed.size
        elif not self.is_broken:
            # Everything after it differs too, and would only hide where it began.
            self.is_broken = True
            yield AuditDifference(
                f"places {self.proven} to {signed.size - 1}",
                f"the hashes that the {subject} was signed over",
                "other hashes: records or their order were changed with them",
            )

    def _open(self, note: str) -> Checkpoint:
        """Return what a note of a trusted key says; raises NoteNotValid."""
        refusal = NoteNotValid("no key of this trail is known here: give one with --public-key")
        for key in self.trust.keys:
            try:
                checkpoint = open_checkpoint(note, key)
            except (NoteNotValid, InvalidField) as problem:
                refusal = NoteNotValid(problem.detail)
            else:
                if checkpoint.origin != self.origin:
                    raise NoteNotValid(f"it is of the trail {checkpoint.origin}")
                return checkpoint
        raise refusal
