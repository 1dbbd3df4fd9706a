"""Transactions: one command, one unit of work, committed here and nowhere else.

Two ways in, over the same database and role: SQLAlchemy for use cases, and plain asyncpg
connections for the poster, where a few hundred microseconds a statement would be half the cost.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias, TypeVar, cast

import asyncpg
from sqlalchemy import Executable, text
from sqlalchemy.engine import Row, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from huitong.kernel import limits
from huitong.kernel.errors import Fault, Left, Refusal

Result = TypeVar("Result")
#: The driver's connection, for arrays and COPY, and for the poster.
DriverConnection: TypeAlias = asyncpg.Connection

_RETRYABLE_STATES: Final = frozenset({"40001", "40P01"})
_LOST_STATE_CLASSES: Final = ("08", "57P")
_RETRY_PAUSE_SECONDS: Final = 0.01


class DatabaseUnavailable(Fault):
    """The database could not be reached, or went away in mid-transaction."""

    code = "database_unavailable"
    title = "The database is not available"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who acts, and through which request: it goes into the audit trail and the logs."""

    actor: str
    request_id: str | None = None


SYSTEM: Final = Caller(actor="system")


class UnitOfWork:
    """One open transaction. Commands take it and never commit it."""

    __slots__ = ("caller", "connection")

    def __init__(self, connection: AsyncConnection, caller: Caller) -> None:
        self.connection = connection
        self.caller = caller

    async def execute(self, statement: Executable | str, **values: object) -> Sequence[Row[Any]]:
        """Run one statement and return its rows (none for a statement without RETURNING)."""
        executable = text(statement) if isinstance(statement, str) else statement
        result = await self.connection.execute(executable, values)
        return result.all() if result.returns_rows else ()

    async def fetch_one(self, statement: Executable | str, **values: object) -> Row[Any] | None:
        """Run one statement and return its first row, or None."""
        rows = await self.execute(statement, **values)
        return rows[0] if rows else None

    async def fetch_value(self, statement: Executable | str, **values: object) -> Any:
        """Run one statement and return the first column of its first row, or None."""
        row = await self.fetch_one(statement, **values)
        return None if row is None else row[0]

    async def driver(self) -> DriverConnection:
        """Return the asyncpg connection below, inside this same transaction.

        For array parameters and COPY, where the layers above cost more than the database does.
        """
        # SQLAlchemy opens the transaction with its first statement; before that, work on the
        # driver would be committed statement by statement.
        await self.connection.execute(text("SELECT 1"))
        raw = await self.connection.get_raw_connection()
        return cast("DriverConnection", raw.driver_connection)

    async def write(self, statements: Sequence[Left]) -> None:
        """Run statements for the driver one after the other, inside this same transaction."""
        if statements:
            connection = await self.driver()
            for statement in statements:
                await connection.execute(statement.text, *statement.arguments)


class Database:
    """The way to the database for one process: a pool for use cases, connections for posters."""

    def __init__(
        self, url: str, *, role: str | None = None, size: int = limits.DATABASE_CONNECTIONS_MAX
    ) -> None:
        """Prepare a pool of at most `size` connections; nothing connects before the first use."""
        self._url = make_url(url).set(drivername="postgresql")
        self._role = role
        self._settings = {
            "application_name": "huitong",
            "timezone": "UTC",
            "statement_timeout": str(limits.STATEMENT_TIMEOUT_SECONDS_MAX * 1_000),
        }
        self.engine = self._make_engine(size, self._server_settings())
        # Every statement is its own transaction, and the server refuses to write: two round trips
        # less for each read. As an argument of the engine and not as an option of its executions:
        # then the ping before each use is no transaction either, which saves another two.
        self._reader_engine = self._make_engine(
            max(1, size // 2),
            {**self._server_settings(), "default_transaction_read_only": "on"},
            isolation_level="AUTOCOMMIT",
        )

    def _make_engine(
        self, size: int, server_settings: dict[str, str], **options: str
    ) -> AsyncEngine:
        # The driver reads `sslmode` in an address of its own; here it wants an argument.
        mode = self._url.query.get("sslmode")
        return create_async_engine(
            self._url.set(drivername="postgresql+asyncpg").difference_update_query(["sslmode"]),
            pool_size=size,
            max_overflow=0,
            pool_pre_ping=True,
            # Parameters are people's data; an error's text ends up in logs.
            hide_parameters=True,
            connect_args={
                "server_settings": server_settings,
                # Without it the driver waits a minute for a server that takes a connection and
                # says nothing, and everybody who shares a look-up waits with it.
                "timeout": limits.DATABASE_CONNECT_SECONDS_MAX,
                **({} if mode is None else {"ssl": mode}),
            },
            **options,
        )

    def _server_settings(self) -> dict[str, str]:
        # SET ROLE travels as a start-up setting, so no statement can run before it.
        return self._settings if self._role is None else {**self._settings, "role": self._role}

    async def connect(self) -> DriverConnection:
        """Open a connection of its own, outside the pool; the caller closes it.

        Raises DatabaseUnavailable if the database cannot be reached.
        """
        try:
            return await asyncpg.connect(
                self._url.render_as_string(hide_password=False),
                server_settings=self._server_settings(),
                timeout=limits.DATABASE_CONNECT_SECONDS_MAX,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise DatabaseUnavailable(str(error) or type(error).__name__) from error

    @asynccontextmanager
    async def unit_of_work(self, caller: Caller = SYSTEM) -> AsyncIterator[UnitOfWork]:
        """Open a transaction; commit when the block ends, roll back when it raises."""
        with _naming_lost_connections():
            async with self.engine.begin() as connection:
                yield UnitOfWork(connection, caller)

    @asynccontextmanager
    async def reading(self, caller: Caller = SYSTEM) -> AsyncIterator[UnitOfWork]:
        """Open a connection for queries only; each statement sees what is committed by then."""
        with _naming_lost_connections():
            async with self._reader_engine.connect() as connection:
                yield UnitOfWork(connection, caller)

    async def run(
        self,
        command: Callable[[UnitOfWork], Awaitable[Result]],
        caller: Caller = SYSTEM,
    ) -> Result:
        """Run `command` in one unit of work, again if it met a deadlock or serialisation failure.

        The one place where such failures are retried. A lost connection is not: whether a commit
        arrived is then unknown here, and the caller's idempotency key settles it. What a refusal
        leaves is written in a unit of work of its own, after the first one was rolled back.
        """
        try:
            return await self._run(command, caller)
        except Refusal as refusal:
            leaves = refusal.leaves
            if leaves:
                await self._run(lambda unit: unit.write(leaves), caller)
            raise

    async def _run(
        self, command: Callable[[UnitOfWork], Awaitable[Result]], caller: Caller
    ) -> Result:
        for attempt in range(1, limits.TRANSACTION_RETRIES_MAX + 1):
            try:
                async with self.unit_of_work(caller) as unit:
                    return await command(unit)
            except (DBAPIError, asyncpg.PostgresError) as error:
                is_last = attempt == limits.TRANSACTION_RETRIES_MAX
                if is_last or find_sql_state(error) not in _RETRYABLE_STATES:
                    raise
                # Two that met once should not meet again in step.
                await asyncio.sleep(_RETRY_PAUSE_SECONDS * attempt * random.random())  # noqa: S311
        raise AssertionError("the loop returns or raises")

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()
        await self._reader_engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


@contextmanager
def _naming_lost_connections() -> Iterator[None]:
    """Turn the many errors that mean "the database is not there" into DatabaseUnavailable."""
    try:
        yield
    except (OSError, asyncpg.InterfaceError) as error:
        raise DatabaseUnavailable(str(error)) from error
    except PoolTimeoutError as error:
        raise DatabaseUnavailable("every connection is in use") from error
    except asyncpg.PostgresError as error:
        if is_connection_lost(error):
            raise DatabaseUnavailable(str(error)) from error
        raise
    except DBAPIError as error:
        if error.connection_invalidated or is_connection_lost(error):
            raise DatabaseUnavailable(str(error.orig)) from error
        raise


def find_bug(error: Exception) -> Exception | None:
    """Return an error whose traceback belongs into the log; None for trouble with the database."""
    return None if isinstance(error, Fault | DBAPIError | asyncpg.PostgresError) else error


def find_sql_state(error: BaseException) -> str | None:
    """Return the SQLSTATE behind an error of any layer, or None."""
    seen: BaseException | None = error
    while seen is not None:
        state = getattr(seen, "sqlstate", None)
        if isinstance(state, str):
            return state
        seen = getattr(seen, "orig", None) or seen.__cause__
    return None


def is_connection_lost(error: BaseException) -> bool:
    """Whether an error says that the connection went away, so that the outcome is unknown."""
    state = find_sql_state(error)
    if state is not None:
        return state.startswith(_LOST_STATE_CLASSES)
    return isinstance(error, OSError | asyncpg.InterfaceError | TimeoutError)
