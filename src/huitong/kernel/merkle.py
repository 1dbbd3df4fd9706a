"""Merkle trees of RFC 6962: hashes, the proofs one needs, and how anybody checks them.

Nothing here knows where hashes are kept. What a proof consists of is given as ranges of leaves;
each range is a row of perfect subtrees (`list_nodes`), whose hashes `fold` joins into one.
Checking follows RFC 9162, sections 2.1.3.2 and 2.1.4.2, whose trees are the same.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from huitong.kernel.errors import Refusal

HASH_BYTES: Final = 32
#: Sizes fit a bigint, so no path is longer than this.
SIZE_MAX: Final = 2**63 - 1
PROOF_HASHES_MAX: Final = 64
#: The root of a tree without leaves: SHA-256 of nothing.
EMPTY_ROOT: Final = hashlib.sha256().digest()

# The two prefixes keep an inner node from being passed off as a leaf, and the other way round.
_LEAF_PREFIX: Final = b"\x00"
_NODE_PREFIX: Final = b"\x01"

_sha256 = hashlib.sha256


class ProofNotValid(Refusal):
    """A proof does not show what it claims: it is malformed, or its hashes lead elsewhere."""

    code = "proof_not_valid"
    title = "The proof does not hold"


class Node(NamedTuple):
    """A perfect subtree: its number, from the left, among those with 2**height leaves."""

    height: int
    number: int


class LeafRange(NamedTuple):
    """The leaves from `start` up to, not including, `end`."""

    start: int
    end: int


def hash_leaf(leaf: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || leaf)."""
    return _sha256(_LEAF_PREFIX + leaf).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return _sha256(_NODE_PREFIX + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of a row of perfect subtrees, each smaller than the one before it."""
    assert hashes, "a row of subtrees has at least one"
    joined = hashes[-1]
    for left in reversed(hashes[:-1]):
        joined = hash_node(left, joined)
    return joined


def hash_perfect(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes of one height."""
    count = len(hashes)
    assert count > 0, "there is no perfect tree without leaves"
    assert count & (count - 1) == 0, f"{count} is not a power of two"
    row = list(hashes)
    while len(row) > 1:
        row = [
            _sha256(_NODE_PREFIX + left + right).digest()
            for left, right in zip(row[::2], row[1::2], strict=True)
        ]
    return row[0]


class CompactRange:
    """A growing tree of which only the roots of its perfect subtrees are kept.

    For whoever reads all leaves once and wants the root on the way: memory grows with the
    logarithm of the size.
    """

    __slots__ = ("_roots", "size")

    def __init__(self, size: int = 0, roots: Sequence[bytes] = ()) -> None:
        """Begin with an empty tree, or go on with what `size` and `roots` were elsewhere."""
        if not 0 <= size <= SIZE_MAX or len(roots) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(roots)} perfect subtrees")
        self.size = size
        self._roots = list(roots)

    def append(self, leaf_hash: bytes) -> None:
        """Add a leaf at the right end."""
        roots = self._roots
        joined = leaf_hash
        carry = self.size
        while carry & 1:
            joined = hash_node(roots.pop(), joined)
            carry >>= 1
        roots.append(joined)
        self.size += 1

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves at the right end, in order."""
        for leaf_hash in leaf_hashes:
            self.append(leaf_hash)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """The roots of the perfect subtrees, largest first: enough to go on from here."""
        return tuple(self._roots)

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        return fold(self._roots) if self._roots else EMPTY_ROOT


def list_nodes(leaves: LeafRange) -> list[Node]:
    """Return the perfect subtrees, largest first, that a subtree over `leaves` consists of.

    Worked: the tree over 7 leaves is one subtree of 4, one of 2 and one leaf, so `LeafRange(0, 7)`
    gives `[(2, 0), (1, 2), (0, 6)]`. `start` must be a multiple of the first one's width, as it
    is for every subtree of a tree that grows from leaf 0.
    """
    nodes = []
    start, end = leaves
    while start < end:
        height = (end - start).bit_length() - 1
        assert start & ((1 << height) - 1) == 0, f"{leaves} is not a subtree"
        nodes.append(Node(height, start >> height))
        start += 1 << height
    return nodes


def list_inclusion_ranges(index: int, size: int) -> list[LeafRange]:
    """Return the subtrees whose hashes prove leaf `index` in a tree of `size`, lowest first.

    PATH(m, D[n]) of RFC 6962, section 2.1.1. Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size <= SIZE_MAX:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    ranges = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            ranges.append(LeafRange(middle, end))
            end = middle
        else:
            ranges.append(LeafRange(start, middle))
            start = middle
    return ranges[::-1]


def list_consistency_ranges(old_size: int, new_size: int) -> list[LeafRange]:
    """Return the subtrees whose hashes prove that a tree of `new_size` only added to `old_size`.

    PROOF(m, D[n]) of RFC 6962, section 2.1.2. Raises ValueError unless 1 <= old_size <= new_size:
    from an empty tree anything may have grown, so there is nothing to prove.
    """
    if not 1 <= old_size <= new_size <= SIZE_MAX:
        raise ValueError(f"nothing can be proven from size {old_size} to {new_size}")
    ranges = []
    start, end = 0, new_size
    while end != old_size:
        middle = start + _left_width(end - start)
        if old_size <= middle:
            ranges.append(LeafRange(middle, end))
            end = middle
        else:
            ranges.append(LeafRange(start, middle))
            start = middle
    if start > 0:
        # The old tree's last subtree; when it is the whole old tree, the checker has it already.
        ranges.append(LeafRange(start, end))
    return ranges[::-1]


def check_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise ProofNotValid unless `proof` shows the leaf at `index` of the tree with this root."""
    _check_number(index, "the leaf's index", minimum=0)
    _check_number(size, "the tree's size", minimum=1)
    _check_hashes((leaf_hash, root), "leaf or root")
    _check_proof(proof)
    if index >= size:
        raise ProofNotValid(f"There is no leaf {index} in a tree of {size}")
    own, last = index, size - 1
    joined = leaf_hash
    for step in proof:
        if last == 0:
            raise ProofNotValid("The proof has more hashes than the tree has levels")
        if own & 1 or own == last:
            joined = hash_node(step, joined)
            while own & 1 == 0 and own != 0:
                own, last = own >> 1, last >> 1
        else:
            joined = hash_node(joined, step)
        own, last = own >> 1, last >> 1
    if last != 0:
        raise ProofNotValid("The proof has fewer hashes than the tree has levels")
    if joined != root:
        raise ProofNotValid("The proof leads to another root: the leaf is not in this tree")


def check_consistency(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise ProofNotValid unless `proof` shows that the new tree is the old one and additions."""
    _check_number(old_size, "the old size", minimum=1)
    _check_number(new_size, "the new size", minimum=1)
    _check_proof(proof)
    if old_size > new_size:
        raise ProofNotValid(f"A tree of {new_size} is older than one of {old_size}")
    if old_size == new_size:
        if proof or old_root != new_root:
            raise ProofNotValid("Two trees of one size must have one root, and need no proof")
        return
    # Only now: of two trees that are one and the same, nothing is hashed, and the published
    # vectors have such with roots that are no hashes.
    _check_hashes((old_root, new_root), "root")
    # A whole old tree that is one perfect subtree is its own first hash.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        raise ProofNotValid("The proof is empty")
    own, last = old_size - 1, new_size - 1
    while own & 1:
        own, last = own >> 1, last >> 1
    old_joined = new_joined = path[0]
    for step in path[1:]:
        if last == 0:
            raise ProofNotValid("The proof has more hashes than the tree has levels")
        if own & 1 or own == last:
            old_joined = hash_node(step, old_joined)
            new_joined = hash_node(step, new_joined)
            while own & 1 == 0 and own != 0:
                own, last = own >> 1, last >> 1
        else:
            new_joined = hash_node(new_joined, step)
        own, last = own >> 1, last >> 1
    if last != 0:
        raise ProofNotValid("The proof has fewer hashes than the tree has levels")
    if old_joined != old_root or new_joined != new_root:
        raise ProofNotValid("The proof leads to other roots: the log was rewritten")


def _left_width(leaves: int) -> int:
    """Return the largest power of two below `leaves`, which is where a tree is parted."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _check_number(value: object, name: str, *, minimum: int) -> None:
    # A bool is an int to Python, and JSON's `true` must not pass for 1.
    if type(value) is not int or not minimum <= value <= SIZE_MAX:
        raise ProofNotValid(f"{name} must be a whole number from {minimum} to 2**63 - 1")


def _check_hashes(hashes: Sequence[object], name: str) -> None:
    if any(type(each) is not bytes or len(each) != HASH_BYTES for each in hashes):
        raise ProofNotValid(f"A {name} must be a hash of {HASH_BYTES} bytes")


def _check_proof(proof: Sequence[bytes]) -> None:
    if len(proof) > PROOF_HASHES_MAX:
        raise ProofNotValid(f"A proof has at most {PROOF_HASHES_MAX} hashes, not {len(proof)}")
    _check_hashes(proof, "step of a proof")
