"""The business register: what is asked of it over a socket, and what its answers mean."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest
from stdnum.cn.uscc import calc_check_digit

from huitong import customers
from huitong.customers import (
    SIMULATED_SECRET,
    BusinessDetails,
    BusinessQuestion,
    BusinessStatus,
    CheckVerdict,
    Document,
    DocumentKind,
    HttpRegistry,
    Person,
    RegistrySimulator,
    StakeDetails,
    Trouble,
    check_credit_code,
)
from huitong.kernel import limits
from huitong.kernel.clock import FixedClock
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.serving import serve_inside

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CODE = "91350100M000100Y43"
NAME = "汇通茶馆"
RULEBOOK = Rulebook.load()


def code_of(number: int) -> str:
    """Return the credit code of a company that does not exist."""
    for digit in "0123456789X":
        body = f"91310000{number:08d}{digit}"
        code: str = body + calc_check_digit(body)
        if check_credit_code(code).is_valid:
            return code
    raise AssertionError("one of the digits is right")


HOLDING, TOP = code_of(12_345_678), code_of(23_456_789)


class Register:
    """The simulator over a socket, and a client of it."""

    def __init__(self, simulator: RegistrySimulator, client: HttpRegistry, url: str) -> None:
        self.simulator, self.client, self.url = simulator, client, url

    async def tell(self, code: str, *holders: tuple[str, str, str | None], **more: Any) -> None:
        """Let the register know a company with its shareholders: name, share, credit code."""
        shareholders = [
            {"name": name, "share": share, "credit_code": owner} for name, share, owner in holders
        ]
        body = {"name": NAME, "legal_representative": "赵一", "shareholders": shareholders} | more
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.put(f"/businesses/{code}", json=body)
        assert answer.status_code == 200, answer.text

    async def fault(self, kind: str, **more: Any) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            body = {"kind": kind, "on": "business", **more}
            assert (await client.post("/faults", json=body)).status_code == 202

    async def ask(self, business: BusinessDetails, request_id: uuid.UUID | None = None) -> Any:
        return await customers.ask_about_business(
            self.client, name=NAME, business=business, request_id=request_id or uuid.uuid4()
        )


@pytest.fixture
async def register() -> AsyncIterator[Register]:
    clock = FixedClock(NOW)
    simulator = RegistrySimulator(clock=clock)
    async with (
        serve_inside(simulator.application()) as url,
        HttpRegistry(url, secret=SIMULATED_SECRET, clock=clock, timeout_seconds=0.4) as client,
    ):
        yield Register(simulator, client, url)


@pytest.fixture
def business(person_of: Any) -> BusinessDetails:
    """赵一 has 60 % of the holding, which has 50 % of the business, and 10 % himself: 40 %."""
    people = tuple(
        Person(key=key, name=name, id_number=person_of(seed).id_number)
        for seed, (key, name) in enumerate((("zhao", "赵一"), ("qian", "钱二")), start=1)
    )
    return BusinessDetails(
        credit_code=CODE,
        legal_representative="zhao",
        people=people,
        stakes=(
            StakeDetails(owner="zhao", owned="甲公司", share="0.6"),
            StakeDetails(owner="甲公司", owned=CODE, share="0.5"),
            StakeDetails(owner="zhao", owned=CODE, share="0.1"),
            StakeDetails(owner="qian", owned=CODE, share="0.4"),
        ),
        documents=(Document(kind=DocumentKind.BUSINESS_LICENCE, reference="licence-1"),),
    )


async def tell_chain(register: Register, *, share_of_zhao: str = "0.6") -> None:
    await register.tell(
        CODE, ("甲公司", "0.5", HOLDING), ("赵一", "0.1", None), ("钱二", "0.4", None)
    )
    await register.tell(HOLDING, ("赵一", share_of_zhao, None), ("乙公司", "0.3", TOP))
    await register.tell(TOP, ("孙三", "1", None))


async def open_business(office: Any, business: BusinessDetails, answers: Any) -> Any:
    return await office.run_sealed(
        customers.open_business,
        merchant_id=uuid7(),
        name=NAME,
        name_latin="HUITONG TEA HOUSE",
        city_latin="PINGYAO",
        category_code="5812",
        fee_rate=Decimal("0.006"),
        business=business,
        answers=answers,
        rulebook=RULEBOOK,
        now=NOW,
    )


async def remarks_of(office: Any, merchant: Any) -> tuple[list[str], str | None]:
    found = await office.run(customers.get_business, merchant_id=merchant.id)
    return [remark.code for remark in found.remarks], found.review_reason


async def test_owners_through_chains_are_what_was_declared(
    office: Any, register: Register, business: BusinessDetails
) -> None:
    await tell_chain(register)
    answers = await register.ask(business)
    assert set(answers.above) == {HOLDING, TOP}
    merchant = await open_business(office, business, answers)
    assert await remarks_of(office, merchant) == ([], None)
    async with office.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT * FROM customers.business_checks")
        assert [(row.verdict, row.status) for row in rows] == [("consistent", "active")] * 3
        stored = str([row._asdict() for row in rows])
    for secret in ("赵一", "孙三", HOLDING, CODE):
        assert secret not in stored


@pytest.mark.parametrize(
    ("share", "code"), [("0.28", "beneficial_owners_differ"), ("0.62", "shares_differ")]
)
async def test_other_owners_than_declared_are_put_before_staff(
    office: Any, register: Register, business: BusinessDetails, share: str, code: str
) -> None:
    # 0.28 x 0.5 + 0.1 = 0.24 is no owner, 0.62 x 0.5 + 0.1 = 0.41 is another share.
    await tell_chain(register, share_of_zhao=share)
    merchant = await open_business(office, business, await register.ask(business))
    assert await remarks_of(office, merchant) == ([code], "registry")
    async with office.database.unit_of_work() as uow:
        due = (await customers.list_due_business_reviews(uow)).items
    assert [each.merchant_id for each in due] == [merchant.id]


async def test_companies_that_own_each_other_end_the_questions(
    register: Register, business: BusinessDetails
) -> None:
    await register.tell(CODE, ("甲公司", "0.5", HOLDING), ("钱二", "0.5", None))
    await register.tell(HOLDING, ("自己", "0.5", CODE), ("赵一", "0.5", None))
    answers = await register.ask(business)
    assert (set(answers.above), answers.is_complete) == ({HOLDING}, True)
    assert register.simulator.billed == 2


async def test_a_chain_that_is_too_long_is_for_staff(
    office: Any, register: Register, business: BusinessDetails
) -> None:
    codes = [CODE, *(code_of(30_000_000 + place) for place in range(30))]
    for below, above in pairwise(codes):
        await register.tell(below, ("上级公司", "1", above))
    answers = await register.ask(business)
    assert len(answers.all_answers) == limits.BUSINESS_QUESTIONS_MAX
    merchant = await open_business(office, business, answers)
    assert await remarks_of(office, merchant) == (["shareholders_incomplete"], "registry")


async def test_numbers_that_make_no_sense_are_for_staff(
    office: Any, register: Register, business: BusinessDetails
) -> None:
    await register.tell(CODE, ("赵一", "0.9", None), ("钱二", "0.9", None))
    merchant = await open_business(office, business, await register.ask(business))
    assert await remarks_of(office, merchant) == (["shareholders_contradict"], "registry")


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"name": "别家茶馆"}, "registry_inconsistent"),
        ({"legal_representative": "王五"}, "registry_inconsistent"),
        ({"status": "revoked"}, "business_revoked"),
        ({"status": "deregistered"}, "business_deregistered"),
    ],
)
async def test_what_the_register_denies_is_a_no(
    office: Any, register: Register, business: BusinessDetails, told: dict[str, str], code: str
) -> None:
    await register.tell(CODE, **told)
    answers = await register.ask(business)
    with pytest.raises(customers.BusinessRefused) as refused:
        await open_business(office, business, answers)
    assert code in [each["code"] for each in refused.value.context["findings"]]
    async with office.database.unit_of_work() as uow:
        for table in ("merchants", "businesses", "business_checks"):
            assert await uow.fetch_value(f"SELECT count(*) FROM customers.{table}") == 0


async def test_an_abnormal_company_is_for_staff(
    office: Any, register: Register, business: BusinessDetails
) -> None:
    await register.tell(CODE, status="abnormal", shareholders=None)
    merchant = await open_business(office, business, await register.ask(business))
    assert await remarks_of(office, merchant) == (
        ["business_abnormal", "shareholders_unknown"],
        "registry",
    )


@pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        ("late", Trouble.TIMED_OUT),
        ("lost_answer", Trouble.BROKEN),
        ("error", Trouble.BROKEN),
        ("refuse", Trouble.REFUSED),
        ("wrong_request", Trouble.OTHER_REQUEST),
        ("forged", Trouble.NOT_AUTHENTIC),
        ("garbage", Trouble.MEANINGLESS),
        ("flood", Trouble.MEANINGLESS),
    ],
)
async def test_a_register_that_is_out_opens_and_is_looked_at(
    office: Any, register: Register, business: BusinessDetails, kind: str, trouble: Trouble
) -> None:
    await register.fault(kind, times=limits.REGISTRY_ATTEMPTS_MAX)
    answers = await register.ask(business)
    assert (answers.own.verdict, answers.own.trouble) == (CheckVerdict.UNAVAILABLE, trouble)
    merchant = await open_business(office, business, answers)
    assert await remarks_of(office, merchant) == (["registry_unavailable"], "registry")


async def test_a_company_above_that_is_out_is_for_staff(
    office: Any, register: Register, business: BusinessDetails
) -> None:
    await tell_chain(register)
    request_id = uuid.uuid4()
    first = await register.ask(business, request_id)
    await register.fault("refuse", times=1)
    # The first question of this ask is about the business; what was answered is answered again.
    again = await register.ask(business, request_id)
    assert again.own.verdict is CheckVerdict.UNAVAILABLE
    assert (await register.ask(business, request_id)).own == first.own
    assert register.simulator.billed == 3
    above = {**first.above, TOP: replace(first.above[TOP], business=None)}
    answers = replace(first, above=above, is_complete=False)
    merchant = await open_business(office, business, answers)
    assert await remarks_of(office, merchant) == (["shareholders_incomplete"], "registry")


async def test_nobody_is_asked_in_vain(register: Register, business: BusinessDetails) -> None:
    values: dict[str, Any] = {"name": NAME, "request_id": uuid.uuid4()}
    assert await customers.ask_about_business(None, business=business, **values) is None
    for changed in ({"credit_code": "91350100M000100Y44"}, {"legal_representative": "nobody"}):
        wrong = msgspec.structs.replace(business, **changed)
        assert await register.ask(wrong) is None
    assert register.simulator.billed == 0


async def test_the_register_decides_by_rule_about_who_was_not_told_to_it(
    register: Register,
) -> None:
    async def ask(code: str, name: str | None) -> Any:
        question = BusinessQuestion(credit_code=code, name=name)
        return await register.client.check_business(question, request_id=uuid.uuid4())

    sound = await ask(CODE, NAME)
    assert (sound.verdict, sound.business.status) == ("consistent", BusinessStatus.ACTIVE)
    assert sound.business.shareholders is None
    ended = await ask(CODE, "汇通茶馆（注销）")
    assert ended.business.status is BusinessStatus.DEREGISTERED
    assert (await ask(CODE, "查无此店")).verdict is CheckVerdict.NOT_FOUND
    assert (await ask("91350100M000100Y44", NAME)).verdict is CheckVerdict.NOT_FOUND
    async with httpx.AsyncClient(base_url=register.url) as client:
        for code, body in ((CODE, {"name": "x"}), ("1", {"name": "x"}), (CODE, "[")):
            content = body if isinstance(body, str) else None
            answer = await client.put(
                f"/businesses/{code}", content=content, json=None if content else body
            )
            assert answer.status_code == 400
