"""From LightGBM to ONNX, number for number: thresholds, leaves and sums stay doubles.

Source: ONNX operators, ai.onnx.ml version 5, TreeEnsemble; LightGBM, Tree::NumericalDecision. The
usual converters write single precision, in which a value can fall to the wrong side of a threshold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET: Final = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
#: The oldest format that has version 5 of the tree operators, so that older runtimes read it.
_IR_VERSION: Final = 10
_SUM: Final = 1
_BRANCH_LEQ: Final = 0
INPUT: Final = "features"
OUTPUT: Final = "log_odds"


@dataclass(slots=True, eq=False)
class _Arrays:
    """The trees as the operator wants them: parallel arrays of inner nodes and of leaves."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    unknown_goes_true: list[int] = field(default_factory=list)
    #: Per node its children (true, false), each an index and whether it is a leaf.
    children: list[list[tuple[int, bool]]] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)

    def add_leaf(self, value: float) -> tuple[int, bool]:
        self.leaves.append(value)
        return len(self.leaves) - 1, True

    def add_node(self, feature: int, threshold: float, *, unknown_goes_true: bool) -> int:
        self.features.append(feature)
        self.thresholds.append(threshold)
        self.unknown_goes_true.append(int(unknown_goes_true))
        self.children.append([])
        return len(self.features) - 1

    def add(self, node: dict[str, Any]) -> tuple[int, bool]:
        """Add a node of LightGBM's dump with all below it."""
        if "split_feature" not in node:
            return self.add_leaf(node["leaf_value"])
        if node["decision_type"] != "<=":
            raise ValueError(f"splits by {node['decision_type']} cannot be exported")
        threshold = node["threshold"]
        # Where training saw nothing unknown, LightGBM takes an unknown value for 0.
        goes_left = node["default_left"] if node["missing_type"] == "NaN" else threshold >= 0.0
        index = self.add_node(node["split_feature"], threshold, unknown_goes_true=goes_left)
        self.children[index] = [self.add(node["left_child"]), self.add(node["right_child"])]
        return index, False

    def add_tree(self, structure: dict[str, Any]) -> None:
        index, is_leaf = self.add(structure)
        if is_leaf:
            # A tree must begin with a node: one that leads to the same leaf either way.
            leaf = index
            index = self.add_node(0, 0.0, unknown_goes_true=True)
            self.children[index] = [(leaf, True), (leaf, True)]
        self.roots.append(index)


def export_trees(booster: lightgbm.Booster) -> bytes:
    """Return an ONNX model from doubles [rows, features], NaN for unknown, to log-odds [rows, 1].

    Raises ValueError for what the export does not know: categorical splits, several classes.
    """
    dump = booster.dump_model()
    if dump["num_tree_per_iteration"] != 1 or dump["average_output"]:
        raise ValueError("only boosted trees with one output can be exported")
    arrays = _Arrays()
    for tree in dump["tree_info"]:
        if not -1 <= tree["num_cat"] <= 0:
            raise ValueError("trees with categorical splits cannot be exported")
        arrays.add_tree(tree["tree_structure"])
    return _make_model(arrays, booster.num_feature())


@dataclass(frozen=True, slots=True)
class Steps:
    """A feature that adds a step's value: `values` has one more than the ascending `edges`.

    Each step holds its lower edge; `unknown` is added for NaN.
    """

    edges: Sequence[float]
    values: Sequence[float]
    unknown: float


def export_steps(features: Sequence[Steps]) -> bytes:
    """Return an ONNX model as `export_trees` does, of the sum of one step of each feature."""
    arrays = _Arrays()
    for feature, steps in enumerate(features):
        # No number is above the greatest: only NaN fails the first comparison.
        root = arrays.add_node(feature, np.finfo(np.float64).max, unknown_goes_true=False)
        arrays.roots.append(root)
        known = _add_steps(arrays, feature, steps, 0, len(steps.edges))
        arrays.children[root] = [known, arrays.add_leaf(steps.unknown)]
    return _make_model(arrays, len(features))


def _add_steps(
    arrays: _Arrays, feature: int, steps: Steps, low: int, high: int
) -> tuple[int, bool]:
    """Add the steps between two edges' places as a balanced tree, and return its top."""
    if low == high:
        return arrays.add_leaf(steps.values[low])
    middle = (low + high) // 2
    # The operator asks "at most"; below the edge is at most the next smaller number.
    below = float(np.nextafter(steps.edges[middle], -np.inf))
    index = arrays.add_node(feature, below, unknown_goes_true=False)
    arrays.children[index] = [
        _add_steps(arrays, feature, steps, low, middle),
        _add_steps(arrays, feature, steps, middle + 1, high),
    ]
    return index, False


def _make_model(arrays: _Arrays, count: int) -> bytes:
    graph = helper.make_graph(
        [_make_node(arrays)],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.DOUBLE, [None, count])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=_OPSET, ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _make_node(arrays: _Arrays) -> onnx.NodeProto:
    def tensor(values: Sequence[float], kind: Any, name: str) -> onnx.TensorProto:
        return numpy_helper.from_array(np.asarray(values, kind), name)

    def each_child(which: int) -> Iterator[tuple[int, bool]]:
        return (children[which] for children in arrays.children)

    return helper.make_node(
        "TreeEnsemble",
        [INPUT],
        [OUTPUT],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=_SUM,
        tree_roots=arrays.roots,
        nodes_featureids=arrays.features,
        nodes_splits=tensor(arrays.thresholds, np.float64, "splits"),
        nodes_modes=tensor([_BRANCH_LEQ] * len(arrays.features), np.uint8, "modes"),
        nodes_missing_value_tracks_true=arrays.unknown_goes_true,
        nodes_truenodeids=[index for index, _ in each_child(0)],
        nodes_trueleafs=[int(is_leaf) for _, is_leaf in each_child(0)],
        nodes_falsenodeids=[index for index, _ in each_child(1)],
        nodes_falseleafs=[int(is_leaf) for _, is_leaf in each_child(1)],
        leaf_targetids=[0] * len(arrays.leaves),
        leaf_weights=tensor(arrays.leaves, np.float64, "weights"),
    )
