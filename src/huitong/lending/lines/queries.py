"""What is read of lines."""

import uuid

from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN_LINE, show_id
from huitong.lending import limits
from huitong.lending.lines import store
from huitong.lending.lines.errors import LineNotFound
from huitong.lending.lines.types import Line


async def get_line(uow: UnitOfWork, line_id: uuid.UUID, *, is_locked: bool = False) -> Line:
    """Return a line, locked if that is asked for; raises LineNotFound."""
    line = await store.find_line(uow, line_id, is_locked=is_locked)
    if line is None:
        shown = show_id(LOAN_LINE, line_id)
        raise LineNotFound(f"there is no line {shown}", context={"id": shown})
    return line


async def get_used(uow: UnitOfWork, line: Line) -> int:
    """Return the principal that is owed of a line's loans, in minor units."""
    return await store.sum_used(uow, line.id)


async def list_lines(uow: UnitOfWork, customer_id: uuid.UUID) -> list[Line]:
    """Return the lines of a customer, first first."""
    return await store.list_lines(uow, customer_id, limit=limits.LINES_OF_CUSTOMER_MAX)


async def list_drawings(uow: UnitOfWork, line: Line) -> list[uuid.UUID]:
    """Return the ids of the loans that were drawn on a line, first first."""
    return await store.list_drawn(uow, line.id, limit=limits.DRAWINGS_OF_LINE_MAX)
