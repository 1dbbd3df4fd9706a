"""Reads a message in a stream with bounded memory, and refuses what is hostile or wrong.

A document type is refused at its first character, so no entity is ever defined or fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO, Final, NoReturn
from xml.parsers import expat

from msgspec import Struct, structs

from huitong.kernel import limits
from huitong.payments.iso20022.datatypes import DataType
from huitong.payments.iso20022.errors import InvalidMessage
from huitong.payments.iso20022.rules import Totals, find_batch_problem, find_problem, sum_of
from huitong.payments.iso20022.schema import Node, find_schema
from huitong.payments.iso20022.types import Batch, Instruction

_NAMESPACE: Final = re.compile(
    r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3}\.[0-9]{3}\.[0-9]{2})"
)
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance "
_SPACES: Final = " \t\n\r"
_ROOT_DEPTH: Final = 2
_BATCHES: Final = "batches"
#: What `Reader` calls the instructions that follow the batch they are of.
INSTRUCTIONS: Final = "instructions"


@dataclass(frozen=True, slots=True)
class Message:
    """A message by its name (`pacs.008.001.12`) and its value, e.g. `CustomerTransfers`."""

    name: str
    body: Struct


@dataclass(frozen=True, slots=True)
class Checked:
    """A message that is right; `parts` counts what stands under its root, header included.

    `passed_over` names the elements that are known but neither kept nor checked inside.
    """

    message: str
    parts: int
    passed_over: tuple[str, ...]


def read_message(stream: BinaryIO) -> Message:
    """Read one XML message from `stream` to its end and check all of it; it is kept in memory.

    Checked are the bytes (well-formed UTF-8, no document type, limits of size, depth and text), the
    structure, types and code lists of the tables, identifiers' check digits, amounts' decimals and
    the header's counts and sums. Raises `InvalidMessage` with the path of the element.
    """
    reader = Reader(stream)
    slots: dict[str, list[Any]] = {}
    instructions: list[list[Instruction]] = []
    for field, part in reader.read_parts():
        if field == INSTRUCTIONS:
            instructions[-1].append(part)
            continue
        if isinstance(part, Batch):
            instructions.append([])
        slots.setdefault(field, []).append(part)
    if instructions:
        slots[_BATCHES] = [
            structs.replace(batch, instructions=tuple(some))
            for batch, some in zip(slots[_BATCHES], instructions, strict=True)
        ]
    root = reader.root
    assert root.record is not None
    many = {each.field for each in root.ordered if each.many}
    values: dict[str, Any] = {
        field: tuple(parts) if field in many else parts[0] for field, parts in slots.items()
    }
    return Message(reader.name, root.record(**values))


def check_message(stream: BinaryIO) -> Checked:
    """Read a message as `read_message` does, without keeping it."""
    reader = Reader(stream)
    parts = sum(1 for _ in reader.read_parts())
    return Checked(reader.name, parts, tuple(sorted(reader.passed_over)))


@dataclass(frozen=True, slots=True)
class Flaw:
    """A value of an instruction that is wrong: its element, its text as it stood, and why."""

    path: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Flawed:
    """An instruction that was read all the same; what is wrong in it has no value there."""

    instruction: Instruction
    flaws: tuple[Flaw, ...]


class _Frame:
    __slots__ = ("count", "is_begun", "last", "node", "slots", "sum")

    def __init__(self, node: Node, slots: list[Any]) -> None:
        self.node = node
        self.last = 0
        self.slots = slots
        # Of a batch whose instructions are given out one by one: that it was, and what they were.
        self.is_begun = False
        self.count = 0
        self.sum = Decimal(0)


class Reader:
    """Reads one message part by part, a part being a child of its root.

    `name` and `root` are known with the first part. A batch of pain.001 comes without its
    instructions, which follow it one by one; a whole statement of camt is one part. `is_lenient`
    gives out instructions with wrong values as `Flawed`, and leaves counts and sums to the caller.
    """

    def __init__(self, stream: BinaryIO, *, is_lenient: bool = False) -> None:
        self._is_lenient = is_lenient
        self._flaws: list[Flaw] = []
        self.name = ""
        self.root = Node("")
        self.passed_over: set[str] = set()
        self._stream = stream
        # The encoding given here wins over the declaration, so a file can't choose another decoder.
        self._parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._document_type
        self._prefix = ""
        self._frames: list[_Frame] = []
        self._top = _Frame(Node(""), [])
        self._currency: str | None = None
        self._texts: list[str] = []
        self._length = 0
        self._passing: list[str] = []
        self._counts: dict[str, int] = {}
        self._parts: list[tuple[str, Any]] = []
        self._fed = 0

    def read_parts(self) -> Iterator[tuple[str, Any]]:
        """Yield each part as (field of the root's type, value); see `read_message`.

        What was yielded may be followed by an error: act on the parts only after the last one.
        """
        totals = Totals()
        read = 0
        while chunk := self._stream.read(limits.ISO20022_CHUNK_BYTES):
            read += len(chunk)
            if read > limits.ISO20022_BYTES_MAX:
                raise InvalidMessage(f"more than {limits.ISO20022_BYTES_MAX} bytes")
            self._feed(chunk, last=False)
            yield from self._take(totals)
        self._feed(b"", last=True)
        yield from self._take(totals)
        problem = None if self._is_lenient else totals.find_problem()
        if problem is not None:
            path, reason = problem
            raise InvalidMessage(reason, field=f"{self.root.name}/{path}")

    def _take(self, totals: Totals) -> Iterator[tuple[str, Any]]:
        parts, self._parts = self._parts, []
        for each in parts:
            if not self._is_lenient:
                totals.add(each[1])
            yield each

    def _feed(self, chunk: bytes, *, last: bool) -> None:
        # UTF-16 is chosen by its byte order mark whatever was asked for, and has null bytes.
        if b"\0" in chunk:
            raise InvalidMessage("null bytes: the text must be UTF-8")
        self._fed += len(chunk)
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise InvalidMessage(
                f"line {error.lineno}: not well-formed XML in UTF-8 ({reason})"
            ) from error
        # The parser keeps an unfinished tag or comment: without an end it would keep the file.
        if self._fed - self._parser.CurrentByteIndex > limits.ISO20022_MARKUP_BYTES_MAX:
            raise InvalidMessage(f"markup of more than {limits.ISO20022_MARKUP_BYTES_MAX} bytes")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in {"UTF-8", "UTF8"}:
            raise InvalidMessage("the declared encoding must be UTF-8")

    def _document_type(self, *_parts: object) -> None:
        raise InvalidMessage("a document type (DTD) is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._passing:
            self._pass(name.rpartition(" ")[2])
            return
        if not self._frames:
            self._identify(name, attributes)
            return
        top = self._top
        child = top.node.children.get(name)
        if child is None:
            self._refuse("is not known here", name.removeprefix(self._prefix))
        place = child.place
        if place <= top.last and not (place == top.last and child.many):
            again = "stands twice, or beside its alternative" if place == top.last else ""
            self._refuse(again or "is out of order", child.name)
        if child.needs > top.last:
            self._refuse(f"lacks {top.node.describe_missing(top.last)} before {child.name}")
        top.last = place
        if child.passed:
            # Without numbers, so that the set does not grow with the file.
            names = [frame.node.name for frame in self._frames[1:]]
            self.passed_over.add("/".join([*names, child.name]))
            self._pass(child.name)
            return
        if child.record is Instruction and not top.is_begun:
            # All that stands before the instructions is known, and they may be many.
            top.is_begun = True
            self._parts.append((_BATCHES, self._build(top)))
        slots = top.slots if child.record is None else _blank(child)
        self._top = _Frame(child, slots)
        self._frames.append(self._top)
        if child.data is not None:
            self._texts.clear()
            self._length = 0
            self._currency = None
        if attributes:
            if child.data is None or not child.data.has_currency or set(attributes) != {"Ccy"}:
                self._refuse("has an attribute that is not known")
            self._currency = attributes["Ccy"]

    def _pass(self, local: str) -> None:
        if len(self._passing) + len(self._frames) >= limits.ISO20022_DEPTH_MAX:
            self._refuse(f"is nested deeper than {limits.ISO20022_DEPTH_MAX} elements")
        self._passing.append(local)
        self._length = 0

    def _identify(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        found = _NAMESPACE.fullmatch(namespace)
        if found is None or local != "Document":
            raise InvalidMessage("the root must be Document in a namespace of ISO 20022")
        if any(not each.startswith(_INSTANCE) for each in attributes):
            raise InvalidMessage("Document has an attribute that is not known")
        self.name = found[1]
        try:
            document = find_schema(self.name)
        except KeyError:
            raise InvalidMessage(f"{self.name} is not a message that we read") from None
        self.root = document.ordered[0]
        self._prefix = f"{namespace} "
        self._top = _Frame(document, [])
        self._frames.append(self._top)

    def _text(self, text: str) -> None:
        data = self._top.node.data
        if data is None and not self._passing:
            if text.strip(_SPACES):
                self._refuse("holds text where elements belong")
            return
        self._length += len(text)
        if self._length > limits.ISO20022_TEXT_MAX:
            self._refuse(f"holds more than {limits.ISO20022_TEXT_MAX} characters")
        if not self._passing:
            self._texts.append(text)

    def _end(self, _name: str) -> None:
        if self._passing:
            self._passing.pop()
            return
        top = self._top
        node = top.node
        value: Any
        if node.data is not None:
            value = self._parse(node.data)
        else:
            if node.last_needed > top.last:
                self._refuse(f"lacks {node.describe_missing(top.last)}")
            is_whole = node.record is None or node is self.root or top.is_begun
            value = None if is_whole else self._build(top)
            if top.is_begun:
                self._check_batch(top)
        self._frames.pop()
        if not self._frames:
            return
        self._top = self._frames[-1]
        if len(self._frames) == _ROOT_DEPTH:
            self._counts[node.field] = self._counts.get(node.field, 0) + 1
            if not top.is_begun:
                self._parts.append((node.field, value))
        elif self._top.is_begun:
            self._give_out(self._top, value)
        elif node.slot >= 0 and node is not self.root:
            if node.many:
                self._top.slots[node.slot].append(value)
            else:
                self._top.slots[node.slot] = value

    def _parse(self, data: DataType) -> Any:
        try:
            return data.parse("".join(self._texts), self._currency)
        except ValueError as error:
            self._note_flaw(str(error))
            return None

    def _build(self, frame: _Frame) -> Struct:
        node, slots = frame.node, frame.slots
        assert node.record is not None
        for index in node.tuples:
            slots[index] = tuple(slots[index])
        value = node.record(*slots)
        problem = find_problem(value)
        if problem is not None:
            path, reason = problem
            self._note_flaw(reason, path)
        return value

    def _note_flaw(self, reason: str, last: str | None = None) -> None:
        """Refuse the message, or remember what is wrong with the instruction that is being read."""
        if not self._is_lenient or not any(each.is_begun for each in self._frames):
            self._refuse(reason, last)
        self._flaws.append(Flaw(self._path(last), "".join(self._texts), reason))

    def _give_out(self, batch: _Frame, instruction: Instruction) -> None:
        batch.count += 1
        if self._flaws:
            self._parts.append((INSTRUCTIONS, Flawed(instruction, tuple(self._flaws))))
            self._flaws.clear()
            return
        batch.sum += sum_of(instruction)
        self._parts.append((INSTRUCTIONS, instruction))

    def _check_batch(self, frame: _Frame) -> None:
        batch = self._build(frame)
        assert isinstance(batch, Batch)
        problem = None if self._is_lenient else find_batch_problem(batch, frame.count, frame.sum)
        if problem is not None:
            self._refuse(problem[1], problem[0])

    def _path(self, last: str | None = None) -> str:
        steps: list[str] = []
        for index, frame in enumerate(self._frames[1:], start=1):
            step = frame.node.name
            if frame.node.many:
                step += f"[{self._count(index) + 1}]"
            steps.append(step)
        steps.extend(self._passing)
        if last is not None:
            steps.append(last)
        return "/".join(steps)

    def _count(self, index: int) -> int:
        node = self._frames[index].node
        if index == _ROOT_DEPTH:
            return self._counts.get(node.field, 0)
        parent = self._frames[index - 1]
        return parent.count if parent.is_begun else len(parent.slots[node.slot])

    def _refuse(self, problem: str, last: str | None = None) -> NoReturn:
        raise InvalidMessage(problem, field=self._path(last) or None)


def _blank(node: Node) -> list[Any]:
    slots = node.blank.copy()
    for index in node.tuples:
        slots[index] = []
    return slots
