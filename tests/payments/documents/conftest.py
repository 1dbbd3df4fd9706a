"""A tea house with customers, and its statements in every format."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from huitong import ledger
from huitong.kernel.clock import SystemClock, business_day
from huitong.kernel.database.unit_of_work import Caller
from huitong.payments import documents

CALLER = Caller(actor="test")


@dataclass
class Books:
    """The accounts of a town, and how to get their statements."""

    town: Any
    now: Any

    async def open(
        self, account_id: int, *, days: int = 1, is_own: bool = True
    ) -> documents.AccountStatement:
        # Lines belong to the day they were recorded on, which is ours and not the caller's.
        today = business_day(SystemClock().now())
        async with self.town.database.reading() as uow:
            account = await ledger.get_account(uow, account_id)
            return await documents.open_statement(
                uow,
                self.town.vault,
                account,
                first_on=today - timedelta(days=days - 1),
                last_on=today,
                reader_id=account.owner_id if is_own else None,
                now=self.now,
            )

    async def write(
        self, statement: documents.AccountStatement, write: Callable[..., Any], *more: Any
    ) -> bytes:
        pieces = documents.read_rows(self.town.database, CALLER, self.town.vault, statement)
        return b"".join([piece async for piece in write(statement, pieces, *more)])


@pytest.fixture
def books(town: Any, now: Any) -> Books:
    return Books(town, now)
