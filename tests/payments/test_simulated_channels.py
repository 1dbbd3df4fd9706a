"""The simulated channels of each kind and our clients for them, over real sockets."""

import csv
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from huitong import payments
from huitong.kernel.clock import FixedClock
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.serving import serve_inside
from huitong.payments import channels, iso20022
from huitong.payments.channels import (
    ChannelFault,
    ChannelKind,
    ChannelRefund,
    ChannelVerdict,
    HttpBankChannel,
    HttpCardAcquirer,
    HttpCrossBorderChannel,
    HttpWalletQr,
)
from huitong.payments.types import ChannelDirection, ChannelOrder, ChannelState

if TYPE_CHECKING:
    from conftest import Town

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
YES, NO = ChannelVerdict.SUCCEEDED, ChannelVerdict.FAILED


def order(
    amount: str = "60.00",
    *,
    direction: str = "in",
    kind: ChannelKind = ChannelKind.BANK_TRANSFER,
    instrument: str | None = None,
    currency: str = "CNY",
) -> ChannelOrder:
    return ChannelOrder(
        id=uuid7(),
        order_id=uuid7(),
        direction=ChannelDirection(direction),
        state=ChannelState.TO_SEND,
        attempts=1,
        due_at=NOW,
        updated_at=NOW,
        reason=None,
        amount=Money.parse(amount, currency),
        kind=kind,
        instrument=instrument,
    )


class Quay:
    """All simulated channels in one process, as the command serves them."""

    def __init__(self, url: str, simulated: list[Any], clock: FixedClock, folder: Path) -> None:
        self.url, self.clock, self.folder = url, clock, folder
        self.by_name = {each.name: each for each in simulated}

    async def fault(self, name: str, kind: str, **more: Any) -> None:
        async with httpx.AsyncClient(base_url=self.url) as admin:
            answer = await admin.post(f"/{name}/faults", json={"kind": kind, **more})
            assert answer.status_code == 202, answer.text

    def bookings(self, name: str) -> list[int]:
        return [each.bookings for each in self.by_name[name].orders.values()]


@pytest.fixture
async def quay(tmp_path: Path) -> AsyncIterator[Quay]:
    clock = FixedClock(NOW)
    simulated = channels.make_channels(clock=clock, result_seconds=0.0, folder=tmp_path)
    async with serve_inside(channels.make_application(simulated)) as url:
        yield Quay(url, simulated, clock, tmp_path)


async def test_a_card_is_authorised_captured_and_refunded(quay: Quay) -> None:
    asked = order(kind=ChannelKind.CARD_ACQUIRING, instrument="tok_1")
    async with HttpCardAcquirer(f"{quay.url}/cards", timeout_seconds=2) as acquirer:
        assert (await acquirer.authorise(asked)).verdict is ChannelVerdict.ACCEPTED
        assert quay.bookings("cards") == [0], "reserved, and not taken"
        for _ in range(2):
            assert (await acquirer.capture(asked)).verdict is YES
        with pytest.raises(ChannelFault):
            await acquirer.void(asked)
        part = ChannelRefund(id=uuid7(), order_id=asked.id, amount=Money.parse("50.00", "CNY"))
        for _ in range(2):
            assert (await acquirer.refund(part)).verdict is YES
        assert (await acquirer.query_refund(part)).verdict is YES
        more = ChannelRefund(id=uuid7(), order_id=asked.id, amount=Money.parse("10.01", "CNY"))
        assert (await acquirer.refund(more)).verdict is NO, "more than was left"
        rest = ChannelRefund(id=uuid7(), order_id=asked.id, amount=Money.parse("10.00", "CNY"))
        assert (await acquirer.refund(rest)).verdict is YES
    assert quay.bookings("cards") == [1, 1, 0, 1]


async def test_what_a_card_reserved_is_given_back(quay: Quay) -> None:
    asked = order(kind=ChannelKind.CARD_ACQUIRING, instrument="tok_1")
    async with HttpCardAcquirer(f"{quay.url}/cards", timeout_seconds=2) as acquirer:
        await acquirer.authorise(asked)
        for _ in range(2):
            assert (await acquirer.void(asked)).verdict is NO
        with pytest.raises(ChannelFault):
            await acquirer.capture(asked)
        declined = order(kind=ChannelKind.CARD_ACQUIRING, instrument="tok_declined")
        assert (await acquirer.submit(declined)).verdict is NO
        gone = ChannelRefund(id=uuid7(), order_id=asked.id, amount=asked.amount)
        with pytest.raises(ChannelFault):
            await acquirer.refund(gone)
    assert quay.bookings("cards") == [0, 0]


async def test_a_capture_that_was_not_heard_of_is_made_by_the_next_question(quay: Quay) -> None:
    asked = order(kind=ChannelKind.CARD_ACQUIRING, instrument="tok_1")
    await quay.fault("cards", "lost_answer")
    async with HttpCardAcquirer(f"{quay.url}/cards", timeout_seconds=2) as acquirer:
        with pytest.raises(ChannelFault):
            await acquirer.submit(asked)
        assert quay.bookings("cards") == [0]
        assert (await acquirer.query(asked)).verdict is YES
        assert (await acquirer.submit(asked)).verdict is YES
    assert quay.bookings("cards") == [1]


async def test_a_wallet_pays_by_its_code_and_gets_it_back(quay: Quay) -> None:
    asked = order(kind=ChannelKind.WALLET_QR, instrument="134567890123456789")
    async with HttpWalletQr(f"{quay.url}/wallet", timeout_seconds=2) as wallet:
        assert (await wallet.query(asked)).verdict is ChannelVerdict.UNKNOWN
        assert (await wallet.submit(asked)).verdict is YES
        assert (await wallet.query(asked)).verdict is YES
        back = ChannelRefund(id=uuid7(), order_id=asked.id, amount=asked.amount)
        assert (await wallet.query_refund(back)).verdict is ChannelVerdict.UNKNOWN
        assert (await wallet.refund(back)).verdict is YES
    assert quay.bookings("wallet") == [1, 1]


def write_pacs008(amount: Money, uetr: uuid.UUID) -> bytes:
    transfer = iso20022.Transfer(
        end_to_end_id="INV-4711",
        amount=amount,
        charge_bearer="SHAR",
        debtor=iso20022.Party(name="Huaxing Trading", lei="5493001KJTIIGC8Y1R12"),
        debtor_agent=iso20022.Agent(bic="ICBKCNBJXXX"),
        creditor_agent=iso20022.Agent(bic="DEUTDEFFXXX"),
        creditor=iso20022.Party(name="Muster GmbH"),
        creditor_account=iso20022.Account(iban="DE89370400440532013000"),
        uetr=str(uetr),
        settlement_date=DAY,
    )
    header = iso20022.SettlementHeader(message_id="M-1", created=NOW, count=1, method="CLRG")
    return iso20022.write_message(iso20022.CustomerTransfers(header, (transfer,)))


async def test_a_pacs008_goes_abroad_once_and_is_followed_by_its_uetr(quay: Quay) -> None:
    asked = order("1200.00", direction="out", kind=ChannelKind.CROSS_BORDER, currency="EUR")
    uetr = uuid.uuid4()
    message = write_pacs008(asked.amount, uetr)
    await quay.fault("border", "lost_answer")
    async with HttpCrossBorderChannel(f"{quay.url}/border", timeout_seconds=2) as border:
        with pytest.raises(ChannelFault):
            await border.send(asked, message=message, uetr=uetr)
        assert (await border.query_uetr(asked, uetr=uetr)).verdict is YES
        assert (await border.send(asked, message=message, uetr=uetr)).verdict is YES
        with pytest.raises(ChannelFault, match="another payment"):
            await border.query_uetr(asked, uetr=uuid.uuid4())
        for wrong in (message.replace(b"DE89", b"DE88"), message[:-20], b"<x/>"):
            with pytest.raises(ChannelFault, match="400"):
                await border.send(order(direction="out"), message=wrong, uetr=uetr)
    assert quay.bookings("border") == [1]


async def test_the_file_of_a_day_has_count_and_sums(quay: Quay) -> None:
    async with HttpBankChannel(f"{quay.url}/bank", timeout_seconds=2) as bank:
        first = order("100.00")
        await bank.submit(first)
        await bank.submit(order("0.05", direction="out"))
        await quay.fault("bank", "reject")
        await bank.submit(order("7.00", direction="out"))
        # 16:30 in London is the next day in Shanghai.
        quay.clock.advance(timedelta(hours=12, minutes=30))
        await bank.submit(order("9.00"))
    async with httpx.AsyncClient(base_url=quay.url) as client:
        text = (await client.get(f"/bank/files/{DAY}")).text
        root = (await client.get(f"/files/{DAY}")).text
        following = (await client.get(f"/bank/files/{DAY + timedelta(days=1)}")).text
        assert (await client.get("/bank/files/yesterday")).status_code == 400
    head, columns, *rows = list(csv.reader(text.splitlines()))
    assert head == ["huitong-channel-file", "1", "bank", "2026-11-23", "3", "CNY:100.00:7.05:0.00"]
    assert ",".join(columns) == (
        "channel,attempt_id,channel_reference,direction,amount,currency,fee,state,booked_at"
    )
    assert [row[7] for row in rows] == ["succeeded", "succeeded", "failed"]
    assert rows[0][1:2] + rows[0][3:] == [
        first.id.hex,
        "in",
        "100.00",
        "CNY",
        "0.00",
        "succeeded",
        "2026-11-23T12:00:00+08:00",
    ]
    assert root == text
    assert following.splitlines()[0].endswith(",1,CNY:9.00:0.00:0.00")


async def test_a_restarted_channel_knows_what_it_booked(quay: Quay) -> None:
    asked = order()
    async with HttpBankChannel(f"{quay.url}/second-bank", timeout_seconds=2) as bank:
        await bank.submit(asked)
    with (quay.folder / "second-bank.jsonl").open("a") as journal:
        journal.write('{"id": "cut of')
    again = channels.SimulatedChannel(
        "second-bank",
        result_seconds=0.0,
        clock=quay.clock,
        journal=quay.folder / "second-bank.jsonl",
    )
    async with (
        serve_inside(again.application()) as url,
        HttpBankChannel(url, timeout_seconds=2) as bank,
    ):
        assert (await bank.query(asked)).verdict is YES
        assert (await bank.submit(asked)).verdict is YES
        await bank.submit(order())
    assert [each.bookings for each in again.orders.values()] == [1, 1]
    third = channels.SimulatedChannel(journal=quay.folder / "second-bank.jsonl")
    assert [each.bookings for each in third.orders.values()] == [1, 1]


async def test_rates_bring_trouble_until_somebody_ends_it(quay: Quay) -> None:
    async with (
        httpx.AsyncClient(base_url=quay.url) as admin,
        HttpBankChannel(f"{quay.url}/bank", timeout_seconds=2) as bank,
    ):
        set_to = {"rates": {"query:nonsense": 1.0}}
        assert (await admin.put("/bank/faults/rates", json=set_to)).status_code == 200
        asked = order()
        await bank.submit(asked)
        for _ in range(3):
            with pytest.raises(ChannelFault):
                await bank.query(asked)
        assert (await admin.get("/bank/faults")).json()["rates"] == {"query:nonsense": 1.0}
        await admin.delete("/bank/faults")
        assert (await bank.query(asked)).verdict is YES
        for wrong in (
            {"rates": {"query:refuse": 0.1}},
            {"rates": {"pay:delay": 0.1}},
            {"rates": {"query:delay": 1.5}},
            {"rates": {}, "seconds": 61},
            {"rate": {}},
        ):
            refused = await admin.put("/bank/faults/rates", json=wrong)
            assert refused.status_code in (200, 400)
            assert (refused.status_code == 200) == (wrong == {"rates": {}, "seconds": 61})


def test_reads_rates_as_the_command_takes_them() -> None:
    assert channels.read_rates(["query:delay=0.25", "submit:lost_answer=1"]) == {
        "query:delay": 0.25,
        "submit:lost_answer": 1.0,
    }
    with pytest.raises(InvalidField):
        channels.read_rates(["query:delay"])


@pytest.mark.parametrize(
    ("kind", "instrument"),
    [(ChannelKind.CARD_ACQUIRING, "tok_1"), (ChannelKind.WALLET_QR, "134567890123456789")],
)
async def test_a_top_up_comes_from_a_card_or_a_wallet(
    town: "Town", quay: Quay, cny: Any, kind: ChannelKind, instrument: str
) -> None:
    wang = await town.add_customer("王芳")
    name = "cards" if kind is ChannelKind.CARD_ACQUIRING else "wallet"
    client = channels.SETTLING[kind](f"{quay.url}/{name}", timeout_seconds=1)
    ways = payments.Channels({name: client})
    await quay.fault(name, "lost_answer")
    orders = await top_up(town, wang, cny, kind=kind, instrument=instrument)
    for _ in range(5):
        quay.clock.advance(timedelta(seconds=400))
        await payments.settle_channel_orders(town.database, ways, clock=quay.clock)
    done = await town.read(payments.get_order, orders.id)
    assert done.status is payments.OrderStatus.SUCCEEDED
    (attempt,) = await town.read(payments.list_attempts, orders.id)
    assert (attempt.order.channel, attempt.order.kind) == (name, kind)
    assert (await town.balance(wang.account_id), quay.bookings(name)) == ("60.00", [1])
    await client.close()
    await town.check_ties()


async def top_up(town: "Town", customer: Any, cny: Callable[[str], Money], **more: Any) -> Any:
    return await town.run(
        payments.request_top_up,
        order_id=uuid7(int(NOW.timestamp() * 1_000)),
        account_id=customer.account_id,
        amount=cny("60.00"),
        **more,
    )


async def test_refuses_instruments_that_do_not_fit(town: "Town", cny: Any, refusing: Any) -> None:
    wang = await town.add_customer("王芳")
    for kind, instrument, field in (
        (ChannelKind.CARD_ACQUIRING, None, "instrument"),
        (ChannelKind.CARD_ACQUIRING, "6222021234567890128", "instrument"),
        (ChannelKind.CARD_ACQUIRING, "tok 1", "instrument"),
        (ChannelKind.BANK_TRANSFER, "tok_1", "instrument"),
        (ChannelKind.CROSS_BORDER, None, "kind"),
    ):
        async with refusing(town):
            with pytest.raises(InvalidField) as refused:
                await top_up(town, wang, cny, kind=kind, instrument=instrument)
        assert refused.value.field == field
