"""Compiles the tables into the nodes that reading and writing walk."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, Final

from msgspec import Struct

from huitong.payments.iso20022 import (
    initiation_tables,
    statement_tables,
    statement_types,
    tables,
    types,
)
from huitong.payments.iso20022.datatypes import DataType, find_type

#: The namespace of a message is this and its name.
NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"

_CAMT: Final = MappingProxyType({"02": 2009, "04": 2013, "06": 2016, "08": 2019})

#: The versions that are read, each with the year of its generation; the last one is written.
GENERATIONS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {
        "pain.001": MappingProxyType({"03": 2009, "09": 2019}),
        "pain.002": MappingProxyType({"03": 2009, "10": 2019}),
        "pacs.002": MappingProxyType({"10": 2019, "12": 2021, "14": 2024}),
        "pacs.004": MappingProxyType({"09": 2019, "11": 2021, "13": 2024}),
        "pacs.008": MappingProxyType({"08": 2019, "10": 2021, "12": 2024}),
        "pacs.009": MappingProxyType({"08": 2019}),
        "camt.052": _CAMT,
        "camt.053": _CAMT,
        "camt.054": _CAMT,
    }
)

_TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pain.001": initiation_tables.PAIN_001,
        "pain.002": initiation_tables.PAIN_002,
        "pacs.002": tables.PACS_002,
        "pacs.004": tables.PACS_004,
        "pacs.008": tables.PACS_008,
        "pacs.009": tables.PACS_009,
        "camt.052": statement_tables.CAMT_052,
        "camt.053": statement_tables.CAMT_053,
        "camt.054": statement_tables.CAMT_054,
    }
)

_LINE: Final = re.compile(
    r"(?P<choice>\| )?(?P<name>\w+)(?P<many>[?*+]?)"
    r"(?: (?P<type>@?[A-Za-z][\w/]*)(?: (?P<field>\w+))?)?(?: (?P<when><|>=)(?P<year>\d{4}))?"
)


class Node:
    """One element: its place among its siblings, its type or record, and its children.

    `children` has them by their names as the parser gives them, namespace first.
    """

    __slots__ = (
        "blank", "children", "choice", "data", "field", "fields", "kind", "last_needed", "many",
        "name", "needs", "ordered", "passed", "place", "record", "required", "slot", "tuples",
        "unheld",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.place = 0  # alternatives of a choice share one
        self.needs = 0  # the place of the last required sibling before this one
        self.last_needed = 0
        self.required = False
        self.many = False
        self.choice = False
        self.passed = False
        self.data: DataType | None = None
        self.record: type[Struct] | None = None
        self.kind = ""  # the type as the table names it
        self.field = ""
        self.slot = -1
        self.blank: list[Any] = []
        self.tuples: tuple[int, ...] = ()
        self.unheld: tuple[str, ...] = ()  # fields of the type that no element here holds
        self.fields: tuple[str, ...] = ()
        self.children: dict[str, Node] = {}
        self.ordered: tuple[Node, ...] = ()

    def describe_missing(self, after: int) -> str:
        """Return the name of the first required child whose place comes after `after`."""
        names = [each.name for each in self.ordered if each.required and each.place > after]
        first = next(each for each in self.ordered if each.name == names[0])
        return " or ".join(each.name for each in self.ordered if each.place == first.place)


@cache
def find_schema(message: str) -> Node:
    """Return the node of `Document` for a message such as `pacs.008.001.12`; raises KeyError."""
    kind, version = message[:8], message[13:]
    year = GENERATIONS[kind][version]
    if message != f"{kind}.001.{version}":
        raise KeyError(message)
    return _Compiler(tables.COMMON + _TABLES[kind], year, f"{NAMESPACE}{message} ").compile()


class _Compiler:
    def __init__(self, table: str, year: int, prefix: str) -> None:
        self._year = year
        self._prefix = prefix
        self._heads: dict[str, tuple[type[Struct], list[str]]] = {}
        self._records: dict[str, Node] = {}
        self._root = ""
        for line in table.splitlines():
            if line.startswith("@"):
                self._root, _, type_name = line[1:].partition(" ")
                self._heads[self._root] = (_find_struct(type_name), [])
            elif line:
                self._heads[self._root][1].append(line)

    def compile(self) -> Node:
        body = self._record_node(self._root, Node(self._root))
        body.place, body.required = 1, True
        document = Node("Document")
        document.children = {self._prefix + body.name: body}
        document.ordered = (body,)
        document.last_needed = 1
        return document

    def _record_node(self, head: str, node: Node) -> Node:
        """Fill `node` with the fields and children of a record; its children are shared."""
        made = self._records.get(head)
        if made is None:
            made = Node(head)
            self._records[head] = made
            made.record, lines = self._heads[head]
            made.fields = made.record.__struct_fields__
            self._fill(made, made, lines, 2)
            many = {each.slot for each in _walk(made) if each.many and each.slot >= 0}
            made.tuples = tuple(sorted(many))
            held = {each.field for each in _walk(made)}
            made.unheld = tuple(each for each in made.fields if each not in held)
            defaults = made.record.__struct_defaults__
            required = len(made.fields) - len(defaults)
            # A field that this message has no element for keeps the default of its type.
            made.blank = [*([None] * required), *defaults]
        for name in (
            "record", "fields", "unheld", "tuples", "blank", "children", "ordered", "last_needed",
        ):  # fmt: skip
            setattr(node, name, getattr(made, name))
        return node

    def _fill(self, parent: Node, record: Node, lines: list[str], indent: int) -> None:
        ordered: list[Node] = []
        index = 0
        while index < len(lines):
            line = lines[index].strip()
            index += 1
            deeper: list[str] = []
            while index < len(lines) and lines[index].startswith(" " * (indent + 2)):
                deeper.append(lines[index])
                index += 1
            if line.startswith("~ "):
                for name in line[2:].split():
                    ordered.append(_place(_passed(name), ordered))
                continue
            node = self._read_line(line, record)
            if node is not None:
                ordered.append(_place(node, ordered))
                if deeper:
                    self._fill(node, record, deeper, indent + 2)
        parent.ordered = tuple(ordered)
        parent.children = {self._prefix + each.name: each for each in ordered}
        parent.last_needed = max((each.place for each in ordered if each.required), default=0)

    def _read_line(self, line: str, record: Node) -> Node | None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not a line of a table: {line}")
        if found["when"] and (self._year >= int(found["year"])) is not (found["when"] == ">="):
            return None
        node = Node(found["name"])
        node.choice = bool(found["choice"])
        node.many = found["many"] in {"*", "+"}
        node.required = found["many"] in {"", "+"}
        if found["type"]:
            node.field = found["field"]
            node.slot = record.fields.index(node.field)
            if found["type"].startswith("@"):
                self._record_node(found["type"][1:], node)
            else:
                node.kind = found["type"]
                node.data = find_type(node.kind)
        return node


def _place(node: Node, before: list[Node]) -> Node:
    last = before[-1] if before else None
    together = last is not None and node.choice and last.choice
    node.place = (last.place if last else 0) + (not together)
    needed = [each.place for each in before if each.required and each.place < node.place]
    node.needs = max(needed, default=0)
    return node


def _passed(name: str) -> Node:
    node = Node(name)
    node.passed = node.many = True
    return node


def _walk(node: Node) -> Iterator[Node]:
    for child in node.ordered:
        yield child
        if child.record is None:
            yield from _walk(child)


def _find_struct(name: str) -> type[Struct]:
    module: ModuleType = types if hasattr(types, name) else statement_types
    found: type[Struct] = getattr(module, name)
    return found
