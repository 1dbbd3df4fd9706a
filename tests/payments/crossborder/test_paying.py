"""A payment abroad from the order to its end, over a bank on a real socket."""

from datetime import timedelta
from typing import Any

import pytest
from tests.payments.crossborder.bureau import PAYEE, Bureau, both, money, name_user

from huitong.kernel.errors import Refusal
from huitong.payments import bulk, crossborder
from huitong.payments.crossborder import ChargeBearer, CorrespondentFault, PaymentState


async def test_a_company_pays_an_invoice_abroad(bureau: Bureau) -> None:
    """10,000.00 USD at 7.1100 × 1.0015: 71,206.65 CNY, and 71.21 + 80.00 of fees."""
    payment = await bureau.pay(bureau.merchant, "10000.00 USD")
    assert payment.state is PaymentState.INITIATED
    assert await bureau.balance(bureau.merchant) == "828642.14"
    assert await bureau.own("transit_out", "USD") == "10000.00"
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT
    sent = bureau.correspondent.messages[payment.id.hex].decode()
    assert str(payment.uetr) in sent
    assert "汇通进出口" in sent
    for status in ("ACSP", "ACCC"):
        content = bureau.correspondent.write_status(str(payment.uetr), status)
        assert await bureau.take(content) == ["taken"]
        assert await bureau.take(content) == ["taken"]
    assert await bureau.steps(payment) == [
        "initiated",
        "screened",
        "sent",
        "accepted",
        "credited",
    ]
    assert await bureau.own("transit_out", "USD") == "0.00"
    assert await bureau.own("nostro", "USD") == "-10000.00"
    assert await bureau.own("fee_income", "CNY") == "151.21"
    assert await bureau.positions() == {"USD": (-1_000_000, -7_120_665, 0)}


async def test_steps_count_once_though_messages_come_doubled_and_in_any_order(
    bureau: Bureau,
) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    await bureau.work()
    uetr = str(payment.uetr)
    accepted = bureau.correspondent.write_status(uetr, "ACSP", at=bureau.now)
    credited = bureau.correspondent.write_status(
        uetr, "ACCC", at=bureau.now + timedelta(seconds=60)
    )
    assert await bureau.take(credited) == ["taken"]
    assert await bureau.take(accepted) == ["taken"]
    again = bureau.correspondent.write_status(uetr, "ACSP")
    assert await bureau.take(again) == ["known"]
    late = bureau.correspondent.write_status(uetr, "RJCT", reason="AC04")
    assert await bureau.take(late) == ["contradicts"]
    assert (await bureau.get(payment)).state is PaymentState.CREDITED
    assert await bureau.steps(payment) == [
        "initiated",
        "screened",
        "sent",
        "accepted",
        "credited",
    ]
    assert await bureau.own("nostro", "USD") == "-100.00"


async def test_a_return_goes_to_an_account_in_its_own_currency_once(bureau: Bureau) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    await bureau.work()
    before = await bureau.balance(bureau.merchant)
    back = bureau.correspondent.write_return(
        str(payment.uetr), money("85.00 USD"), charge=money("15.00 USD")
    )
    assert await both(bureau.take(back), bureau.take(back)) == [["taken"], ["taken"]]
    other = bureau.correspondent.write_return(str(payment.uetr), money("85.00 USD"))
    assert await bureau.take(other) == ["known"]
    more = bureau.correspondent.write_return(str(payment.uetr), money("90.00 USD"))
    assert await bureau.take(more) == ["contradicts"]
    assert await bureau.balance(bureau.merchant, "USD") == "85.00"
    assert await bureau.balance(bureau.merchant) == before
    assert (await bureau.get(payment)).state is PaymentState.RETURNED
    assert await bureau.own("nostro", "USD") == "-15.00"
    charges = (await bureau.dossier(payment)).charges
    assert [(c.leg, c.agent, str(c.amount)) for c in charges] == [
        ("return", "CHASUS33", "15.00 USD")
    ]


@pytest.mark.parametrize("bearer", list(ChargeBearer))
async def test_what_is_rejected_is_as_if_it_had_never_been(
    bureau: Bureau, person: Any, bearer: ChargeBearer
) -> None:
    before = await bureau.balance(person)
    bureau.correspondent.fault = CorrespondentFault.REFUSES
    payment = await bureau.pay(person, "100.00 USD", bearer=bearer)
    assert await bureau.quotas(person) == {"purchase": "100.00", "settlement": "0.00"}
    # The market moved meanwhile: the payer has exactly what it was, all the same.
    await bureau.set_rates(USD=("7.2000", "7.2100"))
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.REJECTED
    assert await bureau.balance(person) == before
    assert await bureau.quotas(person) == {"purchase": "0.00", "settlement": "0.00"}
    assert await bureau.positions() == {"USD": (0, 0, 0)}
    assert await bureau.own("fee_income", "CNY") == "0.00"
    assert await bureau.own("fee_income", "USD") == "0.00"
    assert await bureau.own("transit_out", "USD") == "0.00"


@pytest.mark.parametrize(
    ("bearer", "fee", "between_banks"),
    [
        # 1‰ of 7,131.33 is below 50.00; with 80.00 for the cable, and 120.00 for banks abroad.
        (ChargeBearer.SHAR, "130.00 CNY", "1000.00 USD"),
        (ChargeBearer.DEBT, "250.00 CNY", "1000.00 USD"),
        # 130.00 CNY at the day's 7.1050 are 18.30 USD, out of the payee's money.
        (ChargeBearer.CRED, "18.30 USD", "981.70 USD"),
    ],
)
async def test_fees_are_borne_as_asked(
    bureau: Bureau, person: Any, bearer: ChargeBearer, fee: str, between_banks: str
) -> None:
    payment = await bureau.pay(person, "1000.00 USD", bearer=bearer)
    assert (str(payment.fee), str(payment.settled)) == (fee, between_banks)
    await bureau.work()
    sent = bureau.correspondent.messages[payment.id.hex].decode()
    assert f"<ChrgBr>{bearer.value}</ChrgBr>" in sent
    assert f'<IntrBkSttlmAmt Ccy="USD">{payment.settled.format()}</IntrBkSttlmAmt>' in sent
    assert await bureau.own("fee_income", payment.fee.currency) == payment.fee.format()


async def test_a_lost_answer_is_asked_for_and_never_sent_twice(bureau: Bureau) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    bureau.correspondent.fault = CorrespondentFault.ANSWER_LOST
    await bureau.work(2)
    assert (await bureau.get(payment)).state is PaymentState.SENDING
    first = bureau.correspondent.messages[payment.id.hex]
    bureau.correspondent.fault = None
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT
    assert bureau.correspondent.messages[payment.id.hex] == first
    assert bureau.correspondent.times == {payment.id.hex: 1}


@pytest.mark.parametrize("fault", [CorrespondentFault.DOWN, CorrespondentFault.NONSENSE])
async def test_a_bank_that_is_away_is_waited_for(bureau: Bureau, fault: CorrespondentFault) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    bureau.correspondent.fault = fault
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENDING
    bureau.correspondent.fault = None
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT


async def test_a_business_needs_two(bureau: Bureau) -> None:
    quote = await bureau.quote(bureau.merchant, "100.00 USD", "CNY")
    payment = await bureau.order(bureau.merchant, "100.00 USD", quote=quote)
    assert payment.state is PaymentState.AWAITING_APPROVAL
    before = await bureau.balance(bureau.merchant)
    for nobody in (bureau.maker, await bureau.town.add_customer("路人")):
        with pytest.raises(crossborder.ActingNotAllowed):
            await bureau.approve(payment, nobody)
    assert await bureau.balance(bureau.merchant) == before == "900000.00"
    results = await both(bureau.approve(payment), bureau.approve(payment))
    assert sorted(type(each).__name__ for each in results) == [
        "CrossBorderStateRefused",
        "Payment",
    ]


async def test_a_quote_that_expired_before_the_approval_moves_nothing(bureau: Bureau) -> None:
    quote = await bureau.quote(bureau.merchant, "100.00 USD", "CNY")
    payment = await bureau.order(bureau.merchant, "100.00 USD", quote=quote)
    bureau.clock.advance(timedelta(seconds=900))
    with pytest.raises(crossborder.QuoteExpired):
        await bureau.approve(payment)
    assert await bureau.balance(bureau.merchant) == "900000.00"
    viewer = await bureau.town.add_customer("旁观")
    await name_user(bureau.town, bureau.merchant, viewer, bulk.Role.VIEWER, bureau.now)
    with pytest.raises(crossborder.ActingNotAllowed):
        await bureau.run(
            crossborder.withdraw_payment, payment_id=payment.id, withdrawn_by=viewer.id
        )
    withdrawn = await bureau.run(
        crossborder.withdraw_payment, payment_id=payment.id, withdrawn_by=bureau.maker.id
    )
    assert withdrawn.state is PaymentState.WITHDRAWN
    papers = (await bureau.dossier(payment)).papers
    assert papers == []


async def test_what_lacks_is_named_and_nothing_changes(
    bureau: Bureau, person: Any, refusing: Any
) -> None:
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    wrong: list[tuple[dict[str, Any], type[Refusal], str]] = [
        ({"name": " "}, crossborder.TravelDataMissing, "payee.name"),
        ({"account": ""}, crossborder.TravelDataMissing, "payee.account"),
        ({"account": "GB82WEST12345698765431"}, Refusal, "payee.account"),
        ({"agent_bic": "NOTABIC"}, Refusal, "payee.bank"),
        ({"country": "usa"}, Refusal, "payee.country"),
        ({"name": "A\x07B"}, Refusal, "payee.name"),
        ({"note": "x" * 141}, Refusal, "note"),
    ]
    for change, error, field in wrong:
        values = {name: getattr(PAYEE, name) for name in PAYEE.__slots__} | change
        async with refusing(bureau.town):
            with pytest.raises(error) as refused:
                await bureau.order(
                    person, "100.00 USD", quote=quote, payee=crossborder.Counterparty(**values)
                )
        assert refused.value.field == field
    async with refusing(bureau.town):
        with pytest.raises(crossborder.QuoteDiffers):
            await bureau.order(person, "100.01 USD", quote=quote)
        with pytest.raises(crossborder.PurposeNotAllowed):
            await bureau.order(person, "100.00 USD", quote=quote, purpose="goods_trade")
        with pytest.raises(crossborder.PapersMissing) as papers:
            await bureau.order(bureau.merchant, "100.00 USD", quote=quote, papers=[])
    assert papers.value.context == {"missing": ["contract", "invoice"]}


async def test_two_orders_by_one_quote_are_one_payment(bureau: Bureau, person: Any) -> None:
    quote = await bureau.quote(person, "100.00 USD", "CNY")
    results = await both(*(bureau.order(person, "100.00 USD", quote=quote) for _ in range(3)))
    kinds = sorted(type(each).__name__ for each in results)
    assert kinds == ["Payment", "QuoteTaken", "QuoteTaken"]
    again = await bureau.quote(bureau.merchant, "100.00 USD", "CNY")
    await bureau.order(bureau.merchant, "100.00 USD", quote=again)
    with pytest.raises(crossborder.QuoteTaken):
        await bureau.order(bureau.merchant, "100.00 USD", quote=again)


class KilledError(BaseException):
    """The worker is gone, as by kill -9: nothing after it runs."""


class Mortal:
    """Does what it wraps, until it is killed: before the call, or after it, at the n-th one."""

    def __init__(self, inner: Any, *, at: int, is_after: bool) -> None:
        self.inner, self.at, self.is_after, self.calls = inner, at, is_after, 0

    async def _call(self, name: str, *given: Any, **named: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.is_after:
            raise KilledError
        answer = await getattr(self.inner, name)(*given, **named)
        if self.calls == self.at:
            raise KilledError
        return answer

    async def screen(self, *given: Any, **named: Any) -> Any:
        return await self._call("screen", *given, **named)

    async def send(self, *given: Any, **named: Any) -> Any:
        return await self._call("send", *given, **named)

    async def query_uetr(self, *given: Any, **named: Any) -> Any:
        return await self._call("query_uetr", *given, **named)


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("whom", ["screener", "channel"])
async def test_a_worker_that_is_killed_leaves_a_payment_to_the_next(
    bureau: Bureau, whom: str, *, is_after: bool
) -> None:
    payment = await bureau.pay(bureau.merchant, "100.00 USD")
    sound = getattr(bureau, whom)
    setattr(bureau, whom, Mortal(sound, at=1, is_after=is_after))
    with pytest.raises(KilledError):
        await bureau.work()
    await bureau.make_due()
    setattr(bureau, whom, sound)
    await both(bureau.work(), bureau.work())
    # Two at once can use their steps up on each other's leases; whoever comes next goes on.
    await bureau.work()
    assert (await bureau.get(payment)).state is PaymentState.SENT
    assert set(bureau.correspondent.times) == {payment.id.hex}
    assert len(bureau.correspondent.messages) == 1
    assert await bureau.steps(payment) == ["initiated", "screened", "sent"]


async def test_two_workers_give_back_once(bureau: Bureau, person: Any) -> None:
    before = await bureau.balance(person)
    bureau.correspondent.fault = CorrespondentFault.REFUSES
    payments = [await bureau.pay(person, "10.00 USD") for _ in range(3)]
    await both(bureau.work(), bureau.work(), bureau.work())
    assert {(await bureau.get(each)).state for each in payments} == {PaymentState.REJECTED}
    assert await bureau.balance(person) == before
