"""What a window was for one participant."""

import io
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import xmlschema
from tests.payments.clearing.conftest import NOW, A, B, C, House, pay

from huitong.kernel.errors import LimitExceeded
from huitong.payments import clearing
from huitong.payments.clearing import limits
from huitong.payments.iso20022 import read_message


async def open_day(house: House) -> None:
    for code in (A, B, C):
        await house.join(code, cap=1_000, money=1_000)
    await house.submit(pay(A, B, 100), pay(B, A, 30), pay(B, C, 20), pay(A, C, 5))


async def test_a_statement_has_the_position_and_each_payment(house: House) -> None:
    await open_day(house)
    window_id = await house.close()
    await house.settle()
    async with house.database.reading() as uow:
        window, position = await clearing.get_position(uow, window_id=window_id, code=A)
        lines = await clearing.list_statement_lines(uow, window_id=window_id, code=A, count=10)
        rest = await clearing.list_statement_lines(
            uow, window_id=window_id, code=A, after=lines[0].sequence, count=1
        )
    assert (window.state.value, position.due) == ("settled", -75)
    seen = [(each.side.value, each.counterparty, each.amount, each.state.value) for each in lines]
    assert seen == [
        ("sent", B, 100, "settled"),
        ("received", B, 30, "settled"),
        ("sent", C, 5, "settled"),
    ]
    assert rest == lines[1:2]
    sides = {"sent": -1, "received": 1}
    assert sum(sides[each.side] * each.amount for each in lines) == position.net


async def test_a_statement_is_written_in_parts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STATEMENT_PART_LINES", 2)
    await open_day(house)
    window = await house.open_window()
    text, after, parts = "", 0, 0
    while after is not None:
        async with house.database.reading() as uow:
            part, after = await clearing.write_statement_after(
                uow, window_id=window.id, code=A, after=after
            )
        text, parts = text + part, parts + 1
    rows = text.removeprefix("\ufeff").split("\r\n")
    assert parts == 2
    assert rows[0].startswith("sequence,direction,counterparty,rail,amount")
    assert [row.split(",")[1:5] for row in rows[1:-1]] == [
        ["sent", B, "beps", "1.00"],
        ["received", B, "beps", "0.30"],
        ["sent", C, "beps", "0.05"],
    ]


async def test_what_is_not_there_has_no_statement(house: House) -> None:
    await open_day(house)
    window = await house.open_window()
    async with house.database.reading() as uow:
        with pytest.raises(clearing.ParticipantNotFound):
            await clearing.get_position(uow, window_id=window.id, code="105100000017")
        with pytest.raises(clearing.WindowNotFound):
            await clearing.get_position(uow, window_id=uuid4(), code=A)


async def test_a_settled_window_is_a_message_that_the_official_schema_takes(
    house: House, shared_data: Path
) -> None:
    await open_day(house)
    window_id = await house.close()
    with pytest.raises(clearing.WindowStateRefused):
        await write(house, window_id)
    await house.settle()
    written = await write(house, window_id)
    found = read_message(io.BytesIO(written))
    schema = xmlschema.XMLSchema10(str(shared_data / "8-standards" / "xsd" / f"{found.name}.xsd"))
    assert [str(each) for each in schema.iter_errors(written)] == []
    (statement,) = found.body.statements
    opening, closing = statement.balances
    assert (opening.amount.minor, closing.amount.minor, closing.direction) == (0, 75, "DBIT")
    signs = {"DBIT": -1, "CRDT": 1}
    assert sum(signs[each.direction] * each.amount.minor for each in statement.entries) == -75


async def test_a_message_has_a_maximum(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_day(house)
    window_id = await house.close()
    await house.settle()
    monkeypatch.setattr(limits, "STATEMENT_MESSAGE_LINES_MAX", 2)
    with pytest.raises(LimitExceeded):
        await write(house, window_id)


async def write(house: House, window_id: UUID) -> bytes:
    async with house.database.reading() as uow:
        return await clearing.write_camt053(uow, window_id=window_id, code=A, now=NOW)
