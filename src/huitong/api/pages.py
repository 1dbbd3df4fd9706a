"""Pages of lists: how many, from where on, and the cursor that leads to the next one.

A cursor is opaque to the caller and fits one list only: it carries a check over the list and its
filters, so that a cursor of somebody else's list, or one with a filter changed on the way, is
refused instead of showing a page of nonsense. It is no secret and grants nothing.
"""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, Protocol, TypeVar

from fastapi import Query
from pydantic import BaseModel

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

Item_co = TypeVar("Item_co", covariant=True)
Source = TypeVar("Source")
View = TypeVar("View", bound=BaseModel)

_CHECK_BYTES: Final = 8

Cursor = Annotated[
    str | None,
    Query(
        max_length=limits.CURSOR_LENGTH_MAX,
        description="`next_cursor` of the page before; none for the first page.",
    ),
]
Limit = Annotated[
    int,
    Query(ge=1, le=limits.PAGE_SIZE_MAX, description="How many entries the page may have."),
]


class PageOf(Protocol[Item_co]):
    """A page as the rooms return it."""

    @property
    def items(self) -> Sequence[Item_co]:
        """The entries."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """The room's own cursor of the next page."""
        ...


def seal_cursor(inner: str | None, *of_list: object) -> str | None:
    """Return a room's cursor as the caller gets it; `of_list` names the list and its filters."""
    if inner is None:
        return None
    raw = _check(inner, of_list) + inner.encode()
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def open_cursor(sealed: str | None, *of_list: object) -> str | None:
    """Return the room's cursor inside `sealed`; raises InvalidField if it is not of this list."""
    if sealed is None:
        return None
    refusal = InvalidField(
        "cursor must be the next_cursor of this list's last page", field="cursor"
    )
    try:
        padded = sealed + "=" * (-len(sealed) % 4)
        raw = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        inner = raw[_CHECK_BYTES:].decode("ascii")
    except (ValueError, binascii.Error):
        raise refusal from None
    # Made again and compared whole, because another text may decode to the same bytes.
    if seal_cursor(inner, *of_list) != sealed:
        raise refusal
    return inner


def show_page(
    page: PageOf[Source], show: Callable[[Source], View], *of_list: object
) -> dict[str, object]:
    """Return a room's page as the body of an answer."""
    return {
        "data": [show(item).model_dump(mode="json") for item in page.items],
        "next_cursor": seal_cursor(page.next_cursor, *of_list),
    }


@dataclass(frozen=True, slots=True)
class ListedPage(Generic[Source]):
    """A page of a list that goes on after the last entry's id."""

    items: Sequence[Source]
    next_cursor: str | None


def list_after(
    items: Sequence[Source], limit: int, identify: Callable[[Source], uuid.UUID]
) -> ListedPage[Source]:
    """Return entries as a page; a full one may have another behind it, from its last id on."""
    is_full = len(items) == limit
    return ListedPage(items, identify(items[-1]).hex if is_full else None)


def open_id_cursor(sealed: str | None, *of_list: object) -> uuid.UUID | None:
    """Return the id from which a list goes on; raises InvalidField if it is not of this list."""
    inner = open_cursor(sealed, *of_list)
    return None if inner is None else uuid.UUID(hex=inner)


def _check(inner: str, of_list: Sequence[object]) -> bytes:
    parts = [inner, *("" if part is None else f"={part}" for part in of_list)]
    joined = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
    return hashlib.blake2b(joined, digest_size=_CHECK_BYTES, person=b"huitong-cursor").digest()
