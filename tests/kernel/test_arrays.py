"""Arrays as text: PostgreSQL reads again what was written."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitong.kernel.database.arrays import write_array
from huitong.kernel.database.unit_of_work import Database

_SLOW = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def read(database: Database, written: str, kind: str) -> list[object]:
    async with database.unit_of_work() as uow:
        found: list[object] = await (await uow.driver()).fetchval(
            f"SELECT $1::text::{kind}[]", written
        )
    return found


def test_an_array_is_written_as_postgresql_has_it() -> None:
    assert write_array([1, 0.5, None]) == "{1, 0.5, NULL}"
    assert write_array([]) == "{}"
    assert write_array((1,)) == "{1}"


@_SLOW
@given(values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1)))
async def test_integers_come_back(database: Database, values: list[int | None]) -> None:
    assert await read(database, write_array(values), "bigint") == values


@_SLOW
@given(values=st.lists(st.none() | st.floats(allow_nan=False)))
async def test_numbers_come_back_to_the_last_bit(
    database: Database, values: list[float | None]
) -> None:
    assert repr(await read(database, write_array(values), "float8")) == repr(values)


@_SLOW
@given(values=st.lists(st.none() | st.booleans()))
async def test_flags_come_back(database: Database, values: list[bool | None]) -> None:
    assert await read(database, write_array(values), "boolean") == values
