"""Names on lists, splitting, and receipts: what waits for a person, and what two decide."""

import io
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from tests.payments.conftest import NOW
from tests.payments.crossborder.bureau import LIST, PAYEE, RULES, Bureau, money

from huitong.ledger import AccountState, set_account_state, show_account
from huitong.payments import crossborder
from huitong.payments.crossborder import Counterparty, PaymentState
from huitong.payments.crossborder.names import Listed, NameIndex, is_same
from huitong.payments.iso20022 import (
    Account,
    Address,
    Agent,
    Charge,
    Choice,
    CustomerTransfers,
    OtherId,
    Party,
    SettlementHeader,
    Transfer,
    read_message,
    write_message,
)

LISTED = [
    "张三",
    "张三丰",
    "WANG, Xiaoming",
    "Global Metal Trading Company",
    "北京环球金属贸易有限公司",
    "欧阳锋",
]


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("张三", ["张三"]),
        ("張三", ["张三"]),
        ("张三丰", ["张三丰"]),
        ("Zhang San", ["张三"]),
        ("SAN ZHANG", ["张三"]),
        ("Zhang Sanfeng", ["张三丰"]),
        ("王小明", ["WANG, Xiaoming"]),
        ("Xiaoming Wang", ["WANG, Xiaoming"]),
        ("Ouyang Feng", ["欧阳锋"]),
        ("Global Metals Trading Company", ["Global Metal Trading Company"]),
        ("Global Metal Trading Co., Ltd.", ["Global Metal Trading Company"]),
        ("Global Metal Trading", ["Global Metal Trading Company"]),
        ("Ltd", []),
        ("北京寰球金属贸易有限公司", ["北京环球金属贸易有限公司"]),
        ("张", []),
        ("Zhang", []),
        ("张三李", []),
        ("Global", []),
        ("Wang Xiaomei", []),
        ("赵敏", []),
    ],
)
def test_names_fit_as_a_whole(name: str, fits: list[str]) -> None:
    index = NameIndex(Listed("list", str(at), each) for at, each in enumerate(LISTED))
    assert [match.listed.name for match in index.find(name, score_min=90)] == fits


def test_ways_to_write_a_name_are_the_same() -> None:
    assert is_same("赵敏", "ZHAO MIN")
    assert is_same("赵敏", "Min Zhao")
    assert not is_same("赵敏", "Zhao Mingming")


async def test_a_name_on_a_list_holds_a_payment_for_a_person(bureau: Bureau, person: Any) -> None:
    listed = Counterparty(
        name="DOCKYARD Holdings Ltd.", account="77", country="US", agent_bic="CHASUS33"
    )
    before = await bureau.balance(person)
    payment = await bureau.pay(person, "100.00 USD", payee=listed)
    await bureau.work()
    held = await bureau.get(payment)
    assert (held.state, held.reasons) == (PaymentState.HELD, ("name_hit",))
    hits = (await bureau.dossier(payment)).hits
    assert [(hit.list, hit.entry, hit.side, hit.why) for hit in hits] == [
        ("test", "E1", "theirs", "same_words")
    ]
    assert [each.id for each in await bureau.town.read(crossborder.list_held, limit=10)] == [
        payment.id
    ]
    assert bureau.correspondent.messages == {}
    refused = await bureau.run(crossborder.refuse_payment, payment_id=payment.id, rulebook=RULES)
    assert refused.state is PaymentState.REFUSED
    assert await bureau.balance(person) == before
    with pytest.raises(crossborder.CrossBorderStateRefused):
        await bureau.run(crossborder.release_payment, payment_id=payment.id)


async def test_a_released_payment_goes_on(bureau: Bureau) -> None:
    payment = await bureau.pay(
        bureau.merchant,
        "100.00 USD",
        payee=Counterparty(name="Zhang San", account="77", country="US", agent_bic="CHASUS33"),
    )
    await bureau.work()
    await bureau.run(crossborder.release_payment, payment_id=payment.id)
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT
    assert await bureau.steps(payment) == ["initiated", "held", "released", "screened", "sent"]


async def test_a_screener_that_is_away_lets_nothing_pass(bureau: Bureau) -> None:
    class Away:
        async def screen(self, *_: Any, **__: Any) -> list[crossborder.Hit]:
            raise crossborder.ScreenerFault("away")

    screener, bureau.screener = bureau.screener, Away()
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.INITIATED
    assert bureau.correspondent.messages == {}
    bureau.screener = screener
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT


async def test_without_any_list_nothing_can_be_said(bureau: Bureau, owner_url: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute("TRUNCATE payments.screening_lists CASCADE")
    finally:
        await connection.close()
    screener = crossborder.ListScreener(bureau.town.database, RULES)
    name = crossborder.ScreenedName(side="theirs", name="张三")
    with pytest.raises(crossborder.ScreenerFault):
        await screener.screen([name], now=bureau.now)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"name,entry\n",
        LIST.encode("utf-16"),
        b"entry,name,born_on,country\n",
        b"entry,name,born_on,country\nE1,,,\n",
        b"entry,name,born_on,country\nE1,A B,1960-13-01,CN\n",
        b"entry,name,born_on,country\nE1,A B,,China\n",
        b"entry,name,born_on,country\nE1,A B,\n",
    ],
)
async def test_a_file_that_is_no_list_leaves_the_last_one(bureau: Bureau, content: bytes) -> None:
    before = await bureau.town.read(crossborder.list_lists)
    with pytest.raises(crossborder.ScreeningListInvalid):
        await bureau.run(crossborder.load_list, name="test", content=content)
    assert await bureau.town.read(crossborder.list_lists) == before


async def test_many_people_who_pay_one_account_are_looked_at(bureau: Bureau, town: Any) -> None:
    people = [await town.add_customer(f"朋友{at}", "5000.00") for at in range(5)]
    payments = [await bureau.pay(each, "100.00 USD") for each in people[:4]]
    again = await bureau.pay(people[0], "100.00 USD")
    fifth = await bureau.pay(people[4], "100.00 USD")
    await bureau.work(2)
    states = [(await bureau.get(each)).state for each in (*payments, again, fifth)]
    assert states == [PaymentState.SENT] * 5 + [PaymentState.HELD]
    assert (await bureau.get(fifth)).reasons == ("split_suspected",)


async def test_names_are_sealed_and_papers_too(bureau: Bureau) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    await bureau.work()
    async with bureau.town.database.reading() as uow:
        rows = [
            str(row)
            for table in ("crossborder_payments", "crossborder_papers", "crossborder_paper_parts")
            for row in await uow.execute(f"SELECT CAST(t AS text) FROM payments.{table} t")
        ]
        trail = str(await uow.execute("SELECT CAST(t AS text) FROM kernel.audit t"))
    plain = [PAYEE.name, PAYEE.account, "Springfield", "4711", "%PDF"]
    assert len(rows) == 5
    for text in (*rows, trail):
        for word in plain:
            assert word not in text
            assert word.encode().hex() not in text
    assert (await bureau.dossier(payment)).counterparty == PAYEE
    paper = (await bureau.dossier(payment)).papers[0]
    _, content = await bureau.town.database.run(
        lambda uow: crossborder.open_paper(uow, bureau.town.vault, paper.id)
    )
    assert content.startswith(b"%PDF-1.7")


def incoming(
    account: str | None,
    amount: str = "1000.00 USD",
    *,
    name: str = "Zhao Min",
    message_id: str = "IN1",
    uetr: str | None = None,
    **more: Any,
) -> bytes:
    """A pacs.008 from abroad; `more` changes its one transfer."""
    given = money(amount)
    values: dict[str, Any] = {
        "end_to_end_id": "E1",
        "uetr": str(uuid.uuid4()) if uetr is None else uetr or None,
        "amount": given,
        "charge_bearer": "SHAR",
        "debtor": Party(name="John Smith", address=Address(country="US", town="Springfield")),
        "debtor_account": Account(other=OtherId(id="123456")),
        "debtor_agent": Agent(bic="CHASUS33"),
        "creditor_agent": Agent(bic="HUITCNSHXXX"),
        "creditor": Party(name=name),
        "creditor_account": None if account is None else Account(other=OtherId(id=account)),
    } | more
    return write_message(
        CustomerTransfers(
            header=SettlementHeader(
                message_id=message_id,
                created=NOW,
                count=1,
                method="INDA",
            ),
            transfers=(Transfer(**values),),
        )
    )


async def find_only(bureau: Bureau) -> crossborder.Payment:
    async with bureau.town.database.reading() as uow:
        payment_id = await uow.fetch_value(
            "SELECT id FROM payments.crossborder_payments WHERE direction = 'in'"
        )
    found: crossborder.Payment = await bureau.town.read(crossborder.get_payment, payment_id)
    return found


async def test_a_receipt_is_credited_in_its_currency_once(bureau: Bureau, person: Any) -> None:
    content = incoming(
        show_account(person.account_id),
        "990.00 USD",
        instructed_amount=money("1000.00 USD"),
        charges=(Charge(amount=money("10.00 USD"), agent=Agent(bic="CHASUS33")),),
        purpose=Choice(code="FAMI"),
        uetr="8a562c67-ca16-48ba-b074-65581be6f001",
    )
    assert await bureau.take(content) == ["taken"]
    assert await bureau.own("transit_in", "USD") == "990.00"
    assert await bureau.take(content) == ["taken"]
    other = incoming(
        show_account(person.account_id),
        "990.00 USD",
        message_id="IN2",
        uetr="8a562c67-ca16-48ba-b074-65581be6f001",
    )
    assert await bureau.take(other) == ["known"]
    await bureau.work()
    payment = await find_only(bureau)
    assert payment.state is PaymentState.CREDITED
    assert (str(payment.amount), str(payment.settled)) == ("1000.00 USD", "990.00 USD")
    assert await bureau.balance(person, "USD") == "990.00"
    assert await bureau.own("nostro", "USD") == "990.00"
    reports = await bureau.town.read(crossborder.list_reports, bureau.now.date(), limit=10)
    assert [(r.bop_code, str(r.amount), r.needs_return) for r in reports] == [
        ("421020", "990.00 USD", False)
    ]
    # It is exchanged by a quote like any other money, and counts then.
    await bureau.exchange(person, await bureau.quote(person, "990.00 USD", "CNY", is_sell=True))
    assert await bureau.quotas(person) == {"purchase": "0.00", "settlement": "990.00"}


async def test_the_bank_that_sent_a_receipt_hears_that_it_was_credited(
    bureau: Bureau, person: Any
) -> None:
    """Once, by a pacs.002 that stays the same though answers are lost."""
    await bureau.take(incoming(show_account(person.account_id), "10.00 USD"))
    await bureau.work(2)
    payment = await find_only(bureau)
    assert (payment.state, payment.is_report_due) == (PaymentState.CREDITED, True)
    heard = []
    for fault in (*crossborder.CorrespondentFault, None):
        bureau.correspondent.fault = fault
        await bureau.work(1)
        heard.append(bureau.correspondent.confirmations.get(payment.id.hex))
    assert heard[0] is not None
    assert set(heard) == {heard[0]}
    (status,) = read_message(io.BytesIO(heard[0])).body.transactions
    assert (status.uetr, status.status) == (str(payment.uetr), "ACCC")
    assert status.original_group.message_id == "IN1"
    steps = ["initiated", "screened", "credited", "confirmation_sent"]
    assert await bureau.steps(payment) == steps
    assert not (await find_only(bureau)).is_report_due
    assert await bureau.own("nostro", "USD") == "10.00"


async def test_a_receipt_without_the_payers_bank_shows_none(bureau: Bureau, person: Any) -> None:
    content = incoming(
        show_account(person.account_id),
        debtor_agent=Agent(name="Springfield Savings"),
        debtor=Party(name="John Smith", address=Address(town="Springfield")),
    )
    assert await bureau.take(content) == ["taken"]
    await bureau.work()
    payment = await find_only(bureau)
    assert (payment.state, payment.agent_bic) == (PaymentState.CREDITED, None)
    assert (await bureau.dossier(payment)).counterparty.agent_bic is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"debtor": Party(name="John Smith")}, "travel_rule"),
        ({"debtor_account": None}, "travel_rule"),
        ({"debtor": Party(address=Address(town="Springfield"))}, "travel_rule"),
        ({"creditor_account": Account(other=OtherId(id="acct_100000000191"))}, "account_unknown"),
    ],
)
async def test_what_lacks_data_or_an_account_goes_back(
    bureau: Bureau, person: Any, change: dict[str, Any], reason: str
) -> None:
    content = incoming(show_account(person.account_id), **change)
    assert await bureau.take(content) == ["taken"]
    await bureau.work()
    payment = await find_only(bureau)
    assert (payment.state, payment.reasons) == (PaymentState.REFUSED, (reason,))
    assert not payment.is_return_due
    assert await bureau.own("nostro", "USD") == "0.00"
    assert await bureau.own("transit_in", "USD") == "0.00"
    sent = bureau.correspondent.messages[payment.id.hex].decode()
    assert "<OrgnlMsgId>IN1</OrgnlMsgId>" in sent
    assert '<RtrdIntrBkSttlmAmt Ccy="USD">1000.00</RtrdIntrBkSttlmAmt>' in sent


async def test_below_the_threshold_names_and_accounts_are_enough(
    bureau: Bureau, person: Any
) -> None:
    content = incoming(
        show_account(person.account_id), "999.99 USD", debtor=Party(name="John Smith")
    )
    await bureau.take(content)
    await bureau.work()
    assert (await find_only(bureau)).state is PaymentState.CREDITED


async def test_a_receipt_for_another_name_waits_for_a_person(bureau: Bureau, person: Any) -> None:
    await bureau.take(incoming(show_account(person.account_id), name="Somebody Else"))
    await bureau.work()
    payment = await find_only(bureau)
    assert (payment.state, payment.reasons) == (PaymentState.HELD, ("name_differs",))
    await bureau.run(crossborder.refuse_payment, payment_id=payment.id, rulebook=RULES)
    await bureau.work()
    assert await bureau.own("nostro", "USD") == "0.00"
    assert payment.id.hex in bureau.correspondent.messages


async def test_a_frozen_account_sends_a_receipt_back(bureau: Bureau, person: Any) -> None:
    await bureau.take(incoming(show_account(person.account_id)))
    payment = await find_only(bureau)
    assert payment.account_id is not None
    await bureau.run(
        set_account_state,
        account_id=payment.account_id,
        state=AccountState.FROZEN,
        reason="a court order",
    )
    await bureau.work()
    refused = await find_only(bureau)
    assert (refused.state, refused.reasons) == (PaymentState.REFUSED, ("account_refuses",))


async def test_what_is_given_back_to_a_frozen_account_is_kept_apart(
    bureau: Bureau, person: Any
) -> None:
    bureau.correspondent.fault = crossborder.CorrespondentFault.REFUSES
    payment = await bureau.pay(person, "100.00 USD")
    await bureau.run(
        set_account_state,
        account_id=person.account_id,
        state=AccountState.FROZEN,
        reason="a court order",
    )
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.REJECTED
    # 713.13 for the dollars and 130.00 of fees.
    assert await bureau.own("kept", "CNY") == "843.13"


async def test_a_message_id_with_other_content_is_refused(bureau: Bureau, person: Any) -> None:
    first = incoming(show_account(person.account_id))
    await bureau.take(first)
    with pytest.raises(crossborder.CrossBorderMessageReused):
        await bureau.take(incoming(show_account(person.account_id), "5.00 USD"))
    with pytest.raises(crossborder.CrossBorderMessageRefused):
        await bureau.take(incoming(show_account(person.account_id), uetr="", message_id="IN9"))


async def test_a_payer_with_the_listed_name_is_held_too(bureau: Bureau, town: Any) -> None:
    namesake = await town.add_customer("张三", "5000.00")
    payment = await bureau.pay(namesake, "100.00 USD")
    bureau.clock.advance(timedelta(seconds=1))
    await bureau.work()
    assert [hit.side for hit in (await bureau.dossier(payment)).hits] == ["ours"]
    assert (await bureau.get(payment)).state is PaymentState.HELD
