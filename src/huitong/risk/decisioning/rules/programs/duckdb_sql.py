"""From checked trees to SQL for DuckDB, which says of each row the same as the steps over numpy.

It is the predicate's own text with types made explicit, because DuckDB's literals are decimals and
integers of 32 bits, and with failures made visible: TRY turns them into NULL, and a second
expression says where.
"""

from dataclasses import dataclass
from typing import Final

from huitong.risk.decisioning.rules.language.tree import ARITHMETIC, COMPARISONS, Node, Op
from huitong.risk.decisioning.rules.programs.kernels import INTEGER_PATTERN, NUMBER_PATTERN
from huitong.risk.decisioning.types import FeatureType

#: The types of columns in a table of history.
COLUMN_TYPES: Final = {
    FeatureType.INTEGER: "BIGINT",
    FeatureType.NUMBER: "DOUBLE",
    FeatureType.FLAG: "BOOLEAN",
    FeatureType.TEXT: "VARCHAR",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A predicate as two expressions over a table of features.

    `value` is true, false or NULL, and NULL where it failed; `failed` is true or false.
    """

    value: str
    failed: str


def render(node: Node) -> Rendered:
    """Return a checked predicate as SQL for DuckDB."""
    failed = _failed(node)
    return Rendered(_value(node), "FALSE" if failed is None else f"coalesce({failed}, FALSE)")


def quote_name(name: str) -> str:
    """Return a column's name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def _value(node: Node) -> str:
    """Return what a node is: a flag is NULL where it failed, other values are then anything."""
    if not node.is_flag or node.op in {Op.COLUMN, Op.LITERAL, Op.NULL, Op.AND, Op.OR, Op.NOT}:
        return _bare(node)
    failed = _failed(node)
    bare = _bare(node)
    return bare if failed is None else f"CASE WHEN {failed} THEN NULL ELSE {bare} END"


def _bare(node: Node) -> str:  # noqa: PLR0911 - one return for each kind of operator
    args = [_value(each) for each in node.args]
    match node.op:
        case Op.COLUMN:
            return quote_name(str(node.value))
        case Op.LITERAL:
            return _literal(node.value, node.type)
        case Op.NULL:
            return f"CAST(NULL AS {COLUMN_TYPES[node.type]})"
        case Op.AND | Op.OR:
            return "(" + f" {node.op.upper()} ".join(args) + ")"
        case Op.NOT:
            return f"(NOT {args[0]})"
        case Op.IS_NULL:
            return f"({args[0]} IS NULL)"
        case Op.IN:
            assert isinstance(node.value, tuple)
            values = ", ".join(_literal(each, node.args[0].type) for each in node.value)
            return f"({args[0]} IN ({values}))"
        case Op.LIKE:
            return f"({args[0]} LIKE {quote_text(str(node.value))})"
        case Op.CASE:
            whens = zip(args[:-1:2], args[1::2], strict=True)
            turns = " ".join(f"WHEN {condition} THEN {value}" for condition, value in whens)
            return f"CASE {turns} ELSE {args[-1]} END"
        case Op.COALESCE | Op.LEAST | Op.GREATEST | Op.NULLIF:
            return f"{node.op}({', '.join(args)})"
        case _ if node.op in COMPARISONS:
            return f"({args[0]} {node.op} {args[1]})"
        case _:
            return _calculation(node, args)


def _calculation(node: Node, args: list[str]) -> str:
    match node.op:
        case Op.TO_NUMBER:
            return f"CAST({args[0]} AS DOUBLE)"
        case Op.PARSE_INTEGER:
            return _parse(args[0], INTEGER_PATTERN, "BIGINT")
        case Op.PARSE_NUMBER:
            return _parse(args[0], NUMBER_PATTERN, "DOUBLE")
        case Op.NEG:
            # A minus sign in front makes the smallest integer one of 128 bits.
            return f"TRY({_literal(0, node.type)} - {args[0]})"
        case Op.ABS:
            return f"TRY(abs({args[0]}))"
        case _:
            return f"TRY({args[0]} {node.op} {args[1]})"


def _failed(node: Node) -> str | None:
    """Return where a node failed, None for nowhere; NULL is nowhere too."""
    match node.op:
        case Op.AND | Op.OR:
            failed = _any([_failed(each) for each in node.args])
            if failed is None:
                return None
            return f"({failed} AND {_value(node)} IS DISTINCT FROM {_flag(node.op is Op.OR)})"
        case Op.CASE:
            return _failed_case(node)
        case Op.COALESCE:
            failed = _failed(node.args[-1])
            for each in reversed(node.args[:-1]):
                later = None if failed is None else f"({_value(each)} IS NULL AND {failed})"
                failed = _any([_failed(each), later])
            return failed
        case _:
            return _any([*map(_failed, node.args), _bad(node)])


def _failed_case(node: Node) -> str | None:
    *turns, last = node.args
    if all(_failed(each) is None for each in node.args):
        return None
    whens = []
    for condition, value in zip(turns[::2], turns[1::2], strict=True):
        failed = _failed(condition)
        if failed is not None:
            whens.append(f"WHEN {failed} THEN TRUE")
        whens.append(f"WHEN {_value(condition)} THEN {_failed(value) or 'FALSE'}")
    return f"CASE {' '.join(whens)} ELSE {_failed(last) or 'FALSE'} END"


def _bad(node: Node) -> str | None:
    """Return where an operator itself fails, if no argument failed."""
    value = _bare(node)
    if node.op is Op.PARSE_NUMBER:
        return f"({_value(node.args[0])} IS NOT NULL AND isfinite({value}) IS DISTINCT FROM TRUE)"
    if node.type is FeatureType.NUMBER and (node.op in ARITHMETIC or node.op is Op.COLUMN):
        return f"(NOT isfinite({value}))"
    if node.op in ARITHMETIC or node.op is Op.PARSE_INTEGER:
        given = [f"{_value(each)} IS NOT NULL" for each in node.args]
        return "(" + " AND ".join([f"{value} IS NULL", *given]) + ")"
    return None


def _literal(value: object, kind: FeatureType) -> str:
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, str):
        return quote_text(value)
    if kind is FeatureType.INTEGER:
        return f"CAST('{value}' AS BIGINT)"
    return f"CAST('{value!r}' AS DOUBLE)"


def _flag(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def _parse(text: str, pattern: str, kind: str) -> str:
    shape = quote_text(pattern)
    return f"CASE WHEN regexp_full_match({text}, {shape}) THEN TRY_CAST({text} AS {kind}) END"


def _any(parts: list[str | None]) -> str | None:
    given = [f"coalesce({part}, FALSE)" for part in parts if part is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else f"({' OR '.join(given)})"
