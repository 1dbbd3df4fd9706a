"""Merkle trees: the published vectors, RFC 6962's own definitions as the oracle, and no forgery."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.kernel.merkle import (
    EMPTY_ROOT,
    CompactRange,
    LeafRange,
    Node,
    ProofNotValid,
    check_consistency,
    check_inclusion,
    hash_leaf,
    hash_node,
    hash_perfect,
    list_consistency_ranges,
    list_inclusion_ranges,
    list_nodes,
)


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def path_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if index < k:
        return [*path_of(index, leaves[:k]), root_of(leaves[k:])]
    return [*path_of(index - k, leaves[k:]), root_of(leaves[:k])]


def subproof_of(m: int, leaves: list[bytes], is_whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962, section 2.1.2, word for word."""
    n = len(leaves)
    if m == n:
        return [] if is_whole else [root_of(leaves)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*subproof_of(m, leaves[:k], is_whole), root_of(leaves[k:])]
    return [*subproof_of(m - k, leaves[k:], False), root_of(leaves[:k])]


def make_leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


def prove(ranges: list[LeafRange], leaves: list[bytes]) -> list[bytes]:
    return [root_of(leaves[start:end]) for start, end in ranges]


def decode(text: str) -> bytes:
    return base64.b64decode(text)


def read_vectors(shared_data, name: str):
    path = shared_data / "8-standards" / name
    if not path.is_file():
        pytest.skip(f"these Merkle vectors are not here: {path}")
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def vectors(shared_data) -> list[dict]:
    return read_vectors(shared_data, "rfc6962_merkle_vectors_train.json")


def run_vector(vector: dict) -> None:
    proof = [decode(each) for each in vector["proof"] or ()]
    if vector["kind"] == "inclusion":
        check_inclusion(
            decode(vector["leafHash"]),
            vector["leafIdx"],
            vector["treeSize"],
            proof,
            decode(vector["root"]),
        )
    else:
        check_consistency(
            vector["size1"],
            decode(vector["root1"]),
            vector["size2"],
            decode(vector["root2"]),
            proof,
        )


def test_agrees_with_every_published_proof(vectors):
    assert len(vectors) == 131
    verdicts = []
    for vector in vectors:
        try:
            run_vector(vector)
        except ProofNotValid:
            verdicts.append((vector["kind"], vector["case"], True))
        else:
            verdicts.append((vector["kind"], vector["case"], False))
    assert verdicts == [(each["kind"], each["case"], each["wantErr"]) for each in vectors]


def test_agrees_with_the_reference_roots(shared_data):
    reference = read_vectors(shared_data, "rfc6962_ct_reference_roots.json")
    tree = CompactRange()
    roots = [tree.root().hex()]
    for leaf in reference["leaf_inputs_hex"]:
        tree.append(hash_leaf(bytes.fromhex(leaf)))
        roots.append(tree.root().hex())
    assert roots == reference["roots_by_size"]


def test_has_the_root_of_nothing_without_leaves():
    assert CompactRange().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_parts_a_tree_into_perfect_subtrees():
    assert list_nodes(LeafRange(0, 7)) == [Node(2, 0), Node(1, 2), Node(0, 6)]
    assert list_nodes(LeafRange(4, 7)) == [Node(1, 2), Node(0, 6)]
    assert list_nodes(LeafRange(0, 0)) == []


def test_hashes_a_perfect_tree():
    leaves = make_leaves(8)
    assert hash_perfect([hash_leaf(leaf) for leaf in leaves]) == root_of(leaves)


@given(st.integers(0, 80))
def test_grows_to_the_root_that_the_definition_gives(count):
    leaves = make_leaves(count)
    tree = CompactRange()
    tree.extend(hash_leaf(leaf) for leaf in leaves)
    assert (tree.size, tree.root()) == (count, root_of(leaves))


@given(st.integers(1, 80), st.data())
def test_proves_every_leaf_as_the_definition_does(count, data):
    index = data.draw(st.integers(0, count - 1))
    leaves = make_leaves(count)
    proof = prove(list_inclusion_ranges(index, count), leaves)
    assert proof == path_of(index, leaves)
    check_inclusion(hash_leaf(leaves[index]), index, count, proof, root_of(leaves))


@given(st.integers(1, 80), st.data())
def test_proves_all_growth_as_the_definition_does(new_size, data):
    old_size = data.draw(st.integers(1, new_size))
    leaves = make_leaves(new_size)
    proof = prove(list_consistency_ranges(old_size, new_size), leaves)
    assert proof == subproof_of(old_size, leaves, True)
    check_consistency(old_size, root_of(leaves[:old_size]), new_size, root_of(leaves), proof)


@given(st.integers(1, 80), st.data())
def test_refuses_a_changed_inclusion_proof(count, data):
    leaves = make_leaves(count)
    index = data.draw(st.integers(0, count - 1))
    leaf = hash_leaf(leaves[index])
    proof = path_of(index, leaves)
    root = root_of(leaves)
    kind = data.draw(st.sampled_from(["leaf", "index", "root", "step", "more", "fewer"]))
    if kind == "leaf":
        leaf = flip(leaf, data)
    elif kind == "index":
        index = data.draw(st.integers(0, 2 * count).filter(lambda other: other != index))
    elif kind == "root":
        root = flip(root, data)
    elif kind == "more":
        proof.insert(data.draw(st.integers(0, len(proof))), data.draw(st.binary(max_size=33)))
    elif proof:
        position = data.draw(st.integers(0, len(proof) - 1))
        step = proof.pop(position)
        if kind == "step":
            proof.insert(position, flip(step, data))
    else:
        return
    with pytest.raises(ProofNotValid):
        check_inclusion(leaf, index, count, proof, root)


@given(st.integers(2, 80), st.data())
def test_refuses_a_changed_consistency_proof(new_size, data):
    leaves = make_leaves(new_size)
    old_size = data.draw(st.integers(1, new_size - 1))
    old_root, new_root = root_of(leaves[:old_size]), root_of(leaves)
    proof = subproof_of(old_size, leaves, True)
    kind = data.draw(st.sampled_from(["old root", "new root", "step", "more", "fewer", "swapped"]))
    if kind == "old root":
        old_root = flip(old_root, data)
    elif kind == "new root":
        new_root = flip(new_root, data)
    elif kind == "more":
        proof.insert(data.draw(st.integers(0, len(proof))), data.draw(st.binary(max_size=33)))
    elif kind == "swapped":
        old_root, new_root = new_root, old_root
    else:
        position = data.draw(st.integers(0, len(proof) - 1))
        step = proof.pop(position)
        if kind == "step":
            proof.insert(position, flip(step, data))
    with pytest.raises(ProofNotValid):
        check_consistency(old_size, old_root, new_size, new_root, proof)


@given(st.integers(2, 60), st.data())
def test_refuses_a_log_that_was_rewritten(new_size, data):
    leaves = make_leaves(new_size)
    old_size = data.draw(st.integers(1, new_size - 1))
    old_root = root_of(leaves[:old_size])
    leaves[data.draw(st.integers(0, old_size - 1))] = b"rewritten"
    proof = subproof_of(old_size, leaves, True)
    with pytest.raises(ProofNotValid):
        check_consistency(old_size, old_root, new_size, root_of(leaves), proof)


@pytest.mark.parametrize("number", [True, 1.0, "1", None, -1, 2**63])
def test_refuses_a_size_or_index_that_is_no_number_of_leaves(number):
    leaf = hash_leaf(b"")
    with pytest.raises(ProofNotValid):
        check_inclusion(leaf, number, 2, [leaf], hash_node(leaf, leaf))
    with pytest.raises(ProofNotValid):
        check_inclusion(leaf, 0, number, [], leaf[::-1])
    with pytest.raises(ProofNotValid):
        check_consistency(number, leaf, 2, leaf, [leaf])
    with pytest.raises(ProofNotValid):
        check_consistency(1, leaf, number, leaf[::-1], [])


@pytest.mark.parametrize("value", [b"", b"x" * 31, b"x" * 33, "x" * 32, None, 0])
def test_refuses_what_is_no_hash(value):
    leaf = hash_leaf(b"")
    for arguments in [
        (value, 0, 1, [], leaf),
        (leaf, 0, 1, [], value),
        (leaf, 0, 2, [value], leaf),
    ]:
        with pytest.raises(ProofNotValid):
            check_inclusion(*arguments)
    for arguments in [
        (1, value, 1, leaf, []),
        (1, value, 2, leaf, [leaf]),
        (1, leaf, 2, value, [leaf]),
        (1, leaf, 2, leaf, [value]),
    ]:
        with pytest.raises(ProofNotValid):
            check_consistency(*arguments)


def test_refuses_an_endless_proof():
    leaf = hash_leaf(b"")
    with pytest.raises(ProofNotValid, match="at most 64"):
        check_inclusion(leaf, 0, 2, [leaf] * 65, leaf)


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (1, 1), (0, 0), (5, 2**63)])
def test_makes_no_proof_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        list_inclusion_ranges(index, size)


@pytest.mark.parametrize(("old_size", "new_size"), [(0, 1), (2, 1), (-1, 1), (1, 2**63)])
def test_makes_no_proof_between_sizes_that_prove_nothing(old_size, new_size):
    with pytest.raises(ValueError, match="nothing can be proven"):
        list_consistency_ranges(old_size, new_size)


def flip(value: bytes, data) -> bytes:
    position = data.draw(st.integers(0, 8 * len(value) - 1))
    return (int.from_bytes(value) ^ (1 << position)).to_bytes(len(value))
