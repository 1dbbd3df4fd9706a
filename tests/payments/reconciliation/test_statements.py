"""A bank's statement (camt.053) is a channel's file: its balances are its control totals."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.payments.reconciliation.conftest import Desk

from huitong import payments
from huitong.kernel.money import Money
from huitong.payments.iso20022 import (
    Account,
    Balance,
    BankCode,
    CashHeader,
    CashStatement,
    Entry,
    EntryBatch,
    EntryDetail,
    InvalidMessage,
    OtherId,
    Statement,
    write_message,
)

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
AT = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


def entry(amount: str, direction: str, end_to_end_id: str, **more: Any) -> Entry:
    detail = EntryDetail(end_to_end_id=end_to_end_id)
    values = {
        "amount": cny(amount),
        "direction": direction,
        "bank_code": BankCode(proprietary="X"),
        "status": "BOOK",
        "booking_moment": AT,
        "servicer_reference": f"S{amount.replace('.', '')}",
        "batches": (EntryBatch(details=(detail,)),),
    }
    return Entry(**(values | more))


def statement(*entries: Entry, opening: str = "0.00", closing: str) -> bytes:
    balances = tuple(
        Balance(amount=cny(text), direction="CRDT", code=code, day=date(2026, 11, 23))
        for code, text in (("OPBD", opening), ("CLBD", closing))
    )
    body = CashStatement(
        header=CashHeader(message_id="M1", created=AT),
        statements=(
            Statement(
                id="S1",
                account=Account(other=OtherId(id="ACC1")),
                created=AT,
                balances=balances,
                entries=entries,
            ),
        ),
    )
    return write_message(body)


async def test_a_statement_is_matched_by_end_to_end_ids(town: "Town", desk: Desk) -> None:
    wang = await town.add_customer("王芳")
    first = await town.top_up(wang.account_id, "100.00")
    second = await town.top_up(wang.account_id, "40.00")
    content = statement(
        entry("100.00", "CRDT", payments.derive_id(first.id, 1).hex),
        entry("41.00", "CRDT", payments.derive_id(second.id, 1).hex.upper()),
        entry("7.00", "DBIT", "NOTPROVIDED"),
        entry("9.00", "CRDT", "LATER", status="PDNG"),
        closing="134.00",
    )
    file = await desk.take(content, channel="bank")
    assert (file.format, file.line_count, file.matched) == ("camt.053", 3, 1)
    found = {each.kind.value: each for each in await desk.breaks()}
    assert set(found) == {"amount_differs", "unknown_reference"}
    assert found["amount_differs"].order_id == second.id
    assert found["unknown_reference"].theirs is not None
    assert found["unknown_reference"].theirs.effect == -7_00
    with pytest.raises(reconciliation.ChannelFileKnown):
        await desk.take(content, channel="bank")


@dataclass
class Bad:
    content: bytes
    error: type[Exception]
    channel: str | None = "bank"


@pytest.mark.parametrize(
    "bad",
    [
        Bad(
            statement(entry("1.00", "CRDT", "A"), closing="1.00"),
            reconciliation.ChannelFileUnreadable,
            None,
        ),
        Bad(
            statement(entry("1.00", "CRDT", "A"), closing="1.01"),
            reconciliation.ChannelFileTotalsDiffer,
        ),
        Bad(b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", InvalidMessage),
        Bad(b"<Document", InvalidMessage),
        Bad(
            statement(
                entry("1.00", "CRDT", "A"),
                entry("1.00", "CRDT", "B", booking_moment=datetime(2026, 11, 25, tzinfo=UTC)),
                closing="2.00",
            ),
            reconciliation.ChannelFileUnreadable,
        ),
        Bad(
            statement(entry("1.00", "CRDT", "A", booking_moment=None), closing="1.00"),
            reconciliation.ChannelFileUnreadable,
        ),
    ],
)
async def test_a_statement_that_does_not_explain_itself_is_refused(
    town: "Town", desk: Desk, bad: Bad
) -> None:
    with pytest.raises(bad.error):
        await desk.take(bad.content, channel=bad.channel)
    assert await town.read(reconciliation.list_files) == []


async def test_an_entry_of_several_payments_is_a_line_for_each(town: "Town", desk: Desk) -> None:
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, each) for each in ("10.00", "20.00")]
    details = tuple(
        EntryDetail(end_to_end_id=payments.derive_id(each.id, 1).hex, amount=each.amount)
        for each in orders
    )
    batch = entry("30.00", "CRDT", "", batches=(EntryBatch(details=details),))
    file = await desk.take(statement(batch, closing="30.00"), channel="bank")
    assert (file.line_count, file.matched) == (2, 2)
    assert await desk.breaks() == []
