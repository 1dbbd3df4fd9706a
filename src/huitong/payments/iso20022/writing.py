"""Writes a message in the newest version that is written; the tables check it on the way."""

from collections.abc import Iterable
from typing import Any, NoReturn
from xml.sax.saxutils import escape  # nosec B406

from msgspec import Struct

from huitong.kernel.money import Money
from huitong.payments.iso20022.errors import InvalidMessage
from huitong.payments.iso20022.rules import Totals, find_problem
from huitong.payments.iso20022.schema import GENERATIONS, Node, find_schema

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{}">'
)


def write_message(body: Struct) -> bytes:
    """Return the XML in UTF-8 of a message such as `CustomerTransfers`.

    Raises `InvalidMessage` with the path of a field that is missing, wrong or too much.
    """
    name, root = _find_root(body)
    writer = _Writer()
    writer.write(root, body)
    _check_totals(root, body)
    return (_HEAD.format(name) + "".join(writer.parts) + "</Document>\n").encode()


class PieceWriter:
    """Writes a message of which the last part's pieces come a few at a time.

    `body` has exactly one value in the field `part`, whose field `piece`, the last one that is
    written, is empty: the entries of a statement, or the statuses of a batch. What `begin`,
    `write` … and `end` return is one message.
    """

    def __init__(self, body: Struct, part: str, piece: str) -> None:
        (whole,) = getattr(body, part)
        assert getattr(whole, piece) == (), "pieces come later"
        self._body = body
        _, root = _find_root(body)
        (node,) = (each for each in root.ordered if each.field == part)
        (self._piece,) = (each for each in node.ordered if each.field == piece)
        self._closing = f"</{node.name}>".encode()
        self._path = f"{root.name}/{node.name}/{self._piece.name}"
        self._rest = b""
        self._count = 0

    def begin(self) -> bytes:
        """Return everything before the pieces; raises InvalidMessage as `write_message` does."""
        head, closing, rest = write_message(self._body).rpartition(self._closing)
        self._rest = closing + rest
        return head

    def write(self, pieces: Iterable[Struct]) -> bytes:
        """Return the next pieces; raises InvalidMessage with the number of the one at fault."""
        writer = _Writer()
        for each in pieces:
            self._count += 1
            writer.write(self._piece, each, f"{self._path}[{self._count}]")
        return "".join(writer.parts).encode()

    def end(self) -> bytes:
        """Return what is left."""
        return self._rest


def _find_root(body: Struct) -> tuple[str, Node]:
    for kind, versions in GENERATIONS.items():
        name = f"{kind}.001.{[*versions][-1]}"
        root = find_schema(name).ordered[0]
        if root.record is type(body):
            return name, root
    raise TypeError(f"{type(body).__name__} is not a message")


def _check_totals(root: Node, body: Struct) -> None:
    totals = Totals()
    for child in root.ordered:
        if child.slot >= 0:
            value = getattr(body, child.field)
            for part in value if child.many else (value,):
                totals.add(part)
    problem = totals.find_problem()
    if problem is not None:
        path, reason = problem
        raise InvalidMessage(reason, field=f"{root.name}/{path}")


class _Writer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._steps: list[str] = []

    def write(self, node: Node, value: Any, step: str | None = None) -> None:
        """Write one element; `value` is a leaf's value, or the record whose fields it holds."""
        self._steps.append(step or node.name)
        if node.data is not None:
            self._write_leaf(node, value)
        else:
            if node.record is not None:
                if type(value) is not node.record:
                    self._refuse(f"must be a {node.record.__name__}")
                for field in node.unheld:
                    if getattr(value, field) not in {None, ()}:
                        self._refuse(f"has no element for {field}")
                problem = find_problem(value)
                if problem is not None:
                    self._refuse(problem[1], problem[0])
            self.parts.append(f"<{node.name}>")
            self._write_children(node, value)
            self.parts.append(f"</{node.name}>")
        self._steps.pop()

    def _write_children(self, node: Node, record: Any) -> None:
        written = 0
        for child in node.ordered:
            if child.passed:
                continue
            if child.needs > written:
                self._refuse(f"lacks {node.describe_missing(written)}")
            if not _has_value(child, record) and not _stands_empty(child):
                continue
            if child.place == written:
                self._refuse("stands beside its alternative", child.name)
            written = child.place
            if child.slot < 0:
                self.write(child, record)
            elif child.many:
                for number, each in enumerate(getattr(record, child.field), start=1):
                    self.write(child, each, f"{child.name}[{number}]")
            else:
                self.write(child, getattr(record, child.field))
        if node.last_needed > written:
            self._refuse(f"lacks {node.describe_missing(written)}")

    def _write_leaf(self, node: Node, value: Any) -> None:
        data = node.data
        assert data is not None
        if type(value) is not data.of:
            self._refuse(f"must be a {data.of.__name__}, not a {type(value).__name__}")
        text = data.format(value)
        currency = value.currency if isinstance(value, Money) else None
        try:
            same = data.parse(text, currency) == value
        except ValueError as error:
            self._refuse(str(error))
        if not same:
            self._refuse("would not be read as it is written")
        attribute = f' Ccy="{currency}"' if currency else ""
        self.parts.append(f"<{node.name}{attribute}>{escape(text)}</{node.name}>")

    def _refuse(self, problem: str, last: str | None = None) -> NoReturn:
        steps = [*self._steps, last] if last else self._steps
        raise InvalidMessage(problem, field="/".join(steps))


def _has_value(child: Node, record: Any) -> bool:
    if child.slot >= 0:
        value = getattr(record, child.field)
        return value is not None and value != ()
    return any(not each.passed and _has_value(each, record) for each in child.ordered)


def _stands_empty(child: Node) -> bool:
    """Tell whether a group is written without a value, because its parent needs it."""
    return child.required and not child.choice and child.slot < 0
