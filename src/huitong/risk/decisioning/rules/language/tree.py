"""Checked predicates: trees whose every node has a type, and whose operators are few.

What SQL can say in many ways is one thing here (BETWEEN is two comparisons, `flag = TRUE` the
flag), so that both programs are made from little.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from huitong.risk.decisioning.types import FeatureType


class Op(StrEnum):
    """What a node does with its arguments."""

    COLUMN = "column"
    LITERAL = "literal"
    NULL = "null"
    # Of flags; any number of arguments for AND and OR.
    AND = "and"
    OR = "or"
    NOT = "not"
    # Comparisons of two values of one type.
    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    #: Whether a value is among `Node.value`, a tuple.
    IN = "in"
    #: Whether a text matches the pattern `Node.value`.
    LIKE = "like"
    IS_NULL = "is null"
    # Arithmetic on two values of one type; DIV is of numbers, MOD of integers.
    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    MOD = "%"
    NEG = "neg"
    ABS = "abs"
    # Conversions.
    TO_NUMBER = "to number"
    PARSE_INTEGER = "parse integer"
    PARSE_NUMBER = "parse number"
    # Choices.
    COALESCE = "coalesce"
    NULLIF = "nullif"
    LEAST = "least"
    GREATEST = "greatest"
    #: Condition and value in turns, and at the end what holds otherwise.
    CASE = "case"


COMPARISONS = frozenset({Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE})
ARITHMETIC = frozenset({Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MOD, Op.NEG, Op.ABS})


@dataclass(frozen=True, slots=True)
class Node:
    """One operator, literal or column; equal trees are equal, so they are computed once."""

    op: Op
    type: FeatureType
    args: tuple["Node", ...] = ()
    #: A column's name, a literal, the values of IN, the pattern of LIKE.
    value: object = None

    def walk(self) -> Iterator["Node"]:
        """Yield this node and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.args)

    @property
    def is_flag(self) -> bool:
        """Whether it is true, false or NULL."""
        return self.type is FeatureType.FLAG


def columns_of(node: Node) -> frozenset[str]:
    """Return the names of the columns that a tree reads."""
    return frozenset(str(each.value) for each in node.walk() if each.op is Op.COLUMN)
