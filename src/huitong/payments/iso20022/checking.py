"""Reads a message in a stream with bounded memory, and refuses what is hostile or wrong.

A document type is refused at its first character, so no entity is ever defined or fetched.
"""

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO, Final, NoReturn
from xml.parsers import expat

from huitong.kernel import limits
from huitong.payments.iso20022.errors import InvalidMessage
from huitong.payments.iso20022.values import VALUE_CHECKS, amount_problem

_NAMESPACE = re.compile(
    r"urn:iso:std:iso:20022:tech:xsd:([a-z]{4}\.[0-9]{3})\.([0-9]{3})\.([0-9]{2})"
)
_CAMT: Final = frozenset({"02", "04", "06", "08"})
_READ: Final = MappingProxyType(
    {
        "camt.052": _CAMT,
        "camt.053": _CAMT,
        "camt.054": _CAMT,
        "pain.001": frozenset({"03", "09"}),
        "pacs.008": frozenset({"08", "10", "12"}),
        "pacs.002": frozenset({"10", "12", "14"}),
        "pacs.004": frozenset({"09", "11", "13"}),
    }
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A message whose bytes, identifiers and amounts passed; `elements` is how many it has."""

    message: str
    elements: int


@dataclass(slots=True)
class _Open:
    name: str
    step: str
    currency: str | None
    text: list[str] = field(default_factory=list)
    length: int = 0
    children: dict[str, int] = field(default_factory=dict)


def check_message(stream: BinaryIO) -> Checked:
    """Read one XML message from `stream` to its end and check it without keeping it.

    Checked are the bytes (well-formed UTF-8, no document type, limits of size, depth and text), the
    namespace, and by their names IBAN, BIC, LEI, UETR and every amount with `Ccy`. The structure
    of the schema is not checked. Raises `InvalidMessage` with the path of the element.
    """
    reader = _Reader()
    read = 0
    while chunk := stream.read(limits.ISO20022_CHUNK_BYTES):
        read += len(chunk)
        if read > limits.ISO20022_BYTES_MAX:
            raise InvalidMessage(f"more than {limits.ISO20022_BYTES_MAX} bytes")
        reader.feed(chunk, last=False)
    reader.feed(b"", last=True)
    return Checked(reader.message, reader.elements)


class _Reader:
    def __init__(self) -> None:
        # The encoding given here wins over the declaration, so a file can't choose another decoder.
        self._parser = expat.ParserCreate(encoding="UTF-8", namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._document_type
        self._open: list[_Open] = []
        self._namespace = ""
        self._fed = 0
        self.message = ""
        self.elements = 0

    def feed(self, chunk: bytes, *, last: bool) -> None:
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
        namespace, _, local = name.rpartition(" ")
        self.elements += 1
        if not self._open:
            self._identify(namespace, local)
        if len(self._open) >= limits.ISO20022_DEPTH_MAX:
            self._refuse(f"is nested deeper than {limits.ISO20022_DEPTH_MAX} elements")
        step = local
        if self._open:
            counts = self._open[-1].children
            counts[local] = counts.get(local, 0) + 1
            if len(counts) > limits.ISO20022_NAMES_MAX:
                self._refuse("has too many different elements")
            step = local if counts[local] == 1 else f"{local}[{counts[local]}]"
        self._open.append(
            _Open(local if namespace == self._namespace else "", step, attributes.get("Ccy"))
        )

    def _identify(self, namespace: str, local: str) -> None:
        found = _NAMESPACE.fullmatch(namespace)
        if found is None or local != "Document":
            raise InvalidMessage("the root must be Document in a namespace of ISO 20022")
        kind, variant, version = found.groups()
        self.message = f"{kind}.{variant}.{version}"
        if variant != "001" or version not in _READ.get(kind, frozenset()):
            raise InvalidMessage(f"{self.message} is not a message that we read")
        self._namespace = namespace

    def _text(self, text: str) -> None:
        current = self._open[-1]
        current.length += len(text)
        if current.length > limits.ISO20022_TEXT_MAX:
            self._refuse(f"holds more than {limits.ISO20022_TEXT_MAX} characters")
        current.text.append(text)

    def _end(self, _name: str) -> None:
        current = self._open[-1]
        check = VALUE_CHECKS.get(current.name)
        problem = None
        if current.currency is not None:
            problem = amount_problem("".join(current.text).strip(), current.currency)
        elif check is not None:
            problem = check("".join(current.text))
        if problem is not None:
            self._refuse(problem)
        self._open.pop()

    def _refuse(self, problem: str) -> NoReturn:
        path = "/".join(each.step for each in self._open[1:])
        raise InvalidMessage(problem, field=path or None)
