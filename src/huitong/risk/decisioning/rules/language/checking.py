"""From sqlglot's tree to a checked one: what is not on the list here is not in the language."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sqlglot import exp

from huitong.kernel import limits
from huitong.risk.decisioning.rules.language.parsing import Source, parse, suggest
from huitong.risk.decisioning.rules.language.tree import Node, Op
from huitong.risk.decisioning.types import FeatureType

Catalogue = Mapping[str, FeatureType]

INTEGER_MAX: Final = 2**63 - 1
_NUMERIC: Final = (FeatureType.INTEGER, FeatureType.NUMBER)
_COMPARISONS: Final[Mapping[type[exp.Expr], Op]] = {
    exp.EQ: Op.EQ,
    exp.NEQ: Op.NE,
    exp.LT: Op.LT,
    exp.LTE: Op.LE,
    exp.GT: Op.GT,
    exp.GTE: Op.GE,
}
_ARITHMETIC: Final[Mapping[type[exp.Expr], Op]] = {
    exp.Add: Op.ADD,
    exp.Sub: Op.SUB,
    exp.Mul: Op.MUL,
    exp.Div: Op.DIV,
    exp.Mod: Op.MOD,
}
_CHOICES_MIN: Final = 2
_FUNCTIONS: Final = ("abs", "case", "cast", "coalesce", "greatest", "least", "nullif")
#: What sqlglot notes besides arguments, and does not change what an expression means.
_NOTES: Final = frozenset({"typed", "safe", "ignore_nulls"})


def check_predicate(text: str, catalogue: Catalogue, *, field: str = "predicate") -> Node:
    """Return the checked tree of a predicate over the features of `catalogue`.

    Raises InvalidField, naming `field`, with line, column and, for a name that there is not, the
    most similar ones.
    """
    source = Source(text, field)
    tree = parse(source)
    node = _Checker(source, catalogue).check(tree, depth=1)
    if not node.is_flag:
        raise source.refuse(f"must be true or false, and is {_a(node.type)}")
    if not any(each.op is Op.COLUMN for each in node.walk()):
        raise source.refuse("must look at a feature")
    return node


class _Checker:
    """Checks the parts of one predicate."""

    def __init__(self, source: Source, catalogue: Catalogue) -> None:
        self._source = source
        self._catalogue = catalogue
        self._nodes = 0
        self._by_type: Mapping[type[exp.Expr], Callable[[exp.Expr, int], Node]] = {
            exp.Paren: lambda tree, depth: self.check(tree.this, depth),
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda tree, _: Node(Op.LITERAL, FeatureType.FLAG, value=bool(tree.this)),
            exp.And: self._connective,
            exp.Or: self._connective,
            exp.Not: self._not,
            exp.Is: self._is_null,
            exp.In: self._among,
            exp.Between: self._between,
            exp.Like: self._like,
            exp.Neg: self._negated,
            exp.Abs: lambda tree, depth: self._sign(Op.ABS, tree, depth),
            exp.Case: self._case,
            exp.Cast: self._cast,
            exp.Coalesce: lambda tree, depth: self._choice(Op.COALESCE, tree, depth),
            exp.Least: lambda tree, depth: self._choice(Op.LEAST, tree, depth),
            exp.Greatest: lambda tree, depth: self._choice(Op.GREATEST, tree, depth),
            exp.Nullif: self._nullif,
            **dict.fromkeys(_COMPARISONS, self._comparison),
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
        }

    def check(self, tree: exp.Expr, depth: int) -> Node:
        """Return the checked form of a part."""
        self._nodes += 1
        if self._nodes > limits.RULE_NODES_MAX:
            raise self._source.refuse(f"must have at most {limits.RULE_NODES_MAX} parts")
        if depth > limits.RULE_DEPTH_MAX:
            detail = f"must not be nested more than {limits.RULE_DEPTH_MAX} deep"
            raise self._source.refuse_node(detail, tree)
        handler = self._by_type.get(type(tree))
        if handler is None:
            raise self._unknown(tree)
        return handler(tree, depth)

    def _unknown(self, tree: exp.Expr) -> Exception:
        if isinstance(tree, exp.Null):
            return self._source.refuse_node("compares with NULL: write IS NULL", tree)
        if isinstance(tree, exp.Func):
            name = str(tree.this) if isinstance(tree, exp.Anonymous) else tree.sql_name().lower()
            return self._source.refuse_node(
                f"uses the function {name!r}; there are {', '.join(_FUNCTIONS)}",
                tree,
                suggestions=suggest(name, list(_FUNCTIONS)),
            )
        kind = type(tree).__name__
        return self._source.refuse_node(f"uses what rules do not have ({kind})", tree)

    def _only(self, tree: exp.Expr, *names: str) -> None:
        """Refuse arguments that are not named: what is not understood must not be passed over."""
        for name, value in tree.args.items():
            if name not in names and name not in _NOTES and value not in (None, [], False):
                raise self._source.refuse_node(
                    f"uses what rules do not have ({type(tree).__name__} with {name})", tree
                )

    def _column(self, tree: exp.Expr, _: int) -> Node:
        self._only(tree, "this")
        name = tree.name
        found = self._catalogue.get(name)
        if found is None:
            raise self._source.refuse_node(
                f"names the feature {name[: limits.IDENTIFIER_ECHO_LENGTH_MAX]!r}, which there is "
                "not",
                tree,
                suggestions=suggest(name, list(self._catalogue)),
            )
        return Node(Op.COLUMN, found, value=name)

    def _literal(self, tree: exp.Expr, _: int) -> Node:
        if tree.args.get("is_string"):
            return Node(Op.LITERAL, FeatureType.TEXT, value=str(tree.this))
        return self._numeral(tree, sign=1)

    def _numeral(self, tree: exp.Expr, *, sign: int) -> Node:
        text = str(tree.this)
        if text.isascii() and text.isdigit():
            whole = sign * int(text)
            if not -INTEGER_MAX - 1 <= whole <= INTEGER_MAX:
                raise self._source.refuse_node("holds a number beyond 64 bits", tree)
            return Node(Op.LITERAL, FeatureType.INTEGER, value=whole)
        try:
            number = sign * float(text)
        except ValueError as error:
            raise self._source.refuse_node("holds a number that is none", tree) from error
        if not math.isfinite(number):
            raise self._source.refuse_node("holds a number that is too large", tree)
        return Node(Op.LITERAL, FeatureType.NUMBER, value=number)

    def _connective(self, tree: exp.Expr, depth: int) -> Node:
        op = Op.AND if isinstance(tree, exp.And) else Op.OR
        args = [self._flag(part, depth + 1) for part in _flatten(tree, type(tree))]
        return Node(op, FeatureType.FLAG, tuple(args))

    def _flag(self, tree: exp.Expr, depth: int) -> Node:
        node = self.check(tree, depth)
        if not node.is_flag:
            detail = f"needs true or false here, and has {_a(node.type)}"
            raise self._source.refuse_node(detail, tree)
        return node

    def _not(self, tree: exp.Expr, depth: int) -> Node:
        return _negate(self._flag(tree.this, depth + 1))

    def _is_null(self, tree: exp.Expr, depth: int) -> Node:
        if not isinstance(tree.expression, exp.Null):
            raise self._source.refuse_node("knows only IS NULL and IS NOT NULL", tree)
        return Node(Op.IS_NULL, FeatureType.FLAG, (self.check(tree.this, depth + 1),))

    def _comparison(self, tree: exp.Expr, depth: int) -> Node:
        left, right = self.check(tree.this, depth + 1), self.check(tree.expression, depth + 1)
        return self._compare(_COMPARISONS[type(tree)], left, right, tree)

    def _compare(self, op: Op, left: Node, right: Node, tree: exp.Expr) -> Node:
        left, right = self._alike([left, right], tree)
        if left.is_flag:
            if op not in {Op.EQ, Op.NE}:
                raise self._source.refuse_node("puts flags in an order", tree)
            for one, other in ((left, right), (right, left)):
                if other.op is Op.LITERAL:
                    return one if other.value is (op is Op.EQ) else _negate(one)
        return Node(op, FeatureType.FLAG, (left, right))

    def _alike(self, nodes: list[Node], tree: exp.Expr) -> list[Node]:
        """Return nodes of one type: integers beside numbers become numbers, others are refused."""
        types = {node.type for node in nodes}
        if types == set(_NUMERIC):
            return [_to_number(node) for node in nodes]
        if len(types) > 1:
            names = " with ".join(_a(each) for each in sorted(types))
            raise self._source.refuse_node(f"mixes {names}", tree)
        return nodes

    def _among(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "expressions")
        one = self.check(tree.this, depth + 1)
        if not 1 <= len(tree.expressions) <= limits.RULE_VALUES_MAX:
            detail = f"must have 1 to {limits.RULE_VALUES_MAX} values after IN"
            raise self._source.refuse_node(detail, tree)
        values = [self.check(each, depth + 1) for each in tree.expressions]
        if one.is_flag or any(value.op is not Op.LITERAL for value in values):
            raise self._source.refuse_node("knows IN only for literals, and not for flags", tree)
        one, *values = self._alike([one, *values], tree)
        return Node(Op.IN, FeatureType.FLAG, (one,), tuple(value.value for value in values))

    def _between(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "low", "high")
        one = self.check(tree.this, depth + 1)
        low = self.check(tree.args["low"], depth + 1)
        high = self.check(tree.args["high"], depth + 1)
        return Node(
            Op.AND,
            FeatureType.FLAG,
            (self._compare(Op.GE, one, low, tree), self._compare(Op.LE, one, high, tree)),
        )

    def _like(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "expression", "negate")
        one, pattern = self.check(tree.this, depth + 1), self.check(tree.expression, depth + 1)
        is_fit = one.type is FeatureType.TEXT and pattern.type is FeatureType.TEXT
        if not is_fit or pattern.op is not Op.LITERAL:
            raise self._source.refuse_node("knows LIKE only for a text and a literal", tree)
        like = Node(Op.LIKE, FeatureType.FLAG, (one,), pattern.value)
        return _negate(like) if tree.args.get("negate") else like

    def _negated(self, tree: exp.Expr, depth: int) -> Node:
        inner = tree.this
        # The smallest integer has no positive counterpart, so the sign is read with the digits.
        if type(inner) is exp.Literal and not inner.args.get("is_string"):
            return self._numeral(inner, sign=-1)
        return self._sign(Op.NEG, tree, depth)

    def _sign(self, op: Op, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this")
        one = self._numeric(tree.this, depth + 1)
        return Node(op, one.type, (one,))

    def _numeric(self, tree: exp.Expr, depth: int) -> Node:
        node = self.check(tree, depth)
        if node.type not in _NUMERIC:
            raise self._source.refuse_node(f"calculates with {_a(node.type)}", tree)
        return node

    def _arithmetic(self, tree: exp.Expr, depth: int) -> Node:
        op = _ARITHMETIC[type(tree)]
        pair = [self._numeric(part, depth + 1) for part in (tree.this, tree.expression)]
        if op is Op.DIV:
            left, right = (_to_number(node) for node in pair)
        else:
            left, right = self._alike(pair, tree)
        if op is Op.MOD and left.type is not FeatureType.INTEGER:
            raise self._source.refuse_node("takes the remainder of what is no integer", tree)
        return Node(op, left.type, (left, right))

    def _choice(self, op: Op, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "expressions")
        given = [tree.this, *tree.expressions]
        if not _CHOICES_MIN <= len(given) <= limits.RULE_VALUES_MAX:
            detail = f"must give {op} {_CHOICES_MIN} to {limits.RULE_VALUES_MAX} values"
            raise self._source.refuse_node(detail, tree)
        nodes = self._alike([self.check(each, depth + 1) for each in given], tree)
        if op is not Op.COALESCE and nodes[0].type not in _NUMERIC:
            raise self._source.refuse_node(f"takes {op} of {_a(nodes[0].type)}", tree)
        return Node(op, nodes[0].type, tuple(nodes))

    def _nullif(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "expression")
        pair = [self.check(part, depth + 1) for part in (tree.this, tree.expression)]
        if pair[0].is_flag:
            raise self._source.refuse_node("takes nullif of a flag", tree)
        left, right = self._alike(pair, tree)
        return Node(Op.NULLIF, left.type, (left, right))

    def _case(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "ifs", "default")
        ifs = tree.args["ifs"]
        conditions = [self._flag(each.this, depth + 1) for each in ifs]
        values = [self.check(each.args["true"], depth + 1) for each in ifs]
        default = tree.args.get("default")
        if default is not None and not isinstance(default, exp.Null):
            values.append(self.check(default, depth + 1))
        values = self._alike(values, tree)
        if len(values) == len(conditions):
            values.append(Node(Op.NULL, values[0].type))
        turns = [part for pair in zip(conditions, values, strict=False) for part in pair]
        return Node(Op.CASE, values[0].type, (*turns, values[-1]))

    def _cast(self, tree: exp.Expr, depth: int) -> Node:
        self._only(tree, "this", "to")
        one, wanted = self.check(tree.this, depth + 1), tree.args["to"].this
        if wanted == exp.DataType.Type.BIGINT and one.type is FeatureType.TEXT:
            return Node(Op.PARSE_INTEGER, FeatureType.INTEGER, (one,))
        if wanted == exp.DataType.Type.DOUBLE and one.type is FeatureType.TEXT:
            return Node(Op.PARSE_NUMBER, FeatureType.NUMBER, (one,))
        if wanted == exp.DataType.Type.DOUBLE and one.type in _NUMERIC:
            return _to_number(one)
        raise self._source.refuse_node(
            "converts only text to BIGINT or DOUBLE, and integers to DOUBLE", tree
        )


def _flatten(tree: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    """Yield the parts of a chain of one connective, from left to right, without recursion."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        inner = part
        while type(inner) is exp.Paren:
            inner = inner.this
        if type(inner) is kind:
            waiting += [inner.expression, inner.this]
        else:
            yield part


def _negate(node: Node) -> Node:
    return node.args[0] if node.op is Op.NOT else Node(Op.NOT, FeatureType.FLAG, (node,))


def _to_number(node: Node) -> Node:
    if node.type is FeatureType.NUMBER:
        return node
    if node.op is Op.LITERAL:
        assert isinstance(node.value, int)
        return Node(Op.LITERAL, FeatureType.NUMBER, value=float(node.value))
    return Node(Op.TO_NUMBER, FeatureType.NUMBER, (node,))


def _a(kind: FeatureType) -> str:
    return f"{'an' if kind is FeatureType.INTEGER else 'a'} {kind}"
