"""Clearing over HTTP: staff read it, and caps are changed by two."""

import uuid
from typing import Any

import httpx

from huitong import ledger
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments import clearing

CODES = ("102100099996", "103100000026")


async def open_house(api: Any) -> None:
    now, rulebook = SystemClock().now(), Rulebook.load()
    for code in CODES:
        await api.run(
            lambda uow, code=code: clearing.join(
                uow,
                code=code,
                name_zh="银行",
                name_en="Bank",
                net_debit_cap=Money(100_00, "CNY"),
                now=now,
            )
        )
    new = [
        clearing.NewPayment(
            id=uuid7(),
            rail=clearing.Rail.BEPS,
            debtor=CODES[0],
            creditor=CODES[1],
            amount=amount,
        )
        for amount in (80_00, 50_00)
    ]
    await api.run(lambda uow: clearing.submit_payments(uow, new, rulebook=rulebook, now=now))


def body(participant: str, cap: str) -> dict[str, Any]:
    money = {"amount": cap, "currency": "CNY"}
    return {"participant": participant, "cap": money, "reason": "yearly review"}


async def test_staff_read_windows_and_change_caps_by_two(
    api: Any, anonymous: httpx.AsyncClient, staff: Any
) -> None:
    await open_house(api)
    maker, checker = await staff.headers("operations"), await staff.headers("risk")
    banks = (await anonymous.get("/v1/clearing/participants", headers=maker)).json()["data"]
    assert [bank["net_debit_cap"]["amount"] for bank in banks] == ["100.00", "100.00"]
    windows = (await anonymous.get("/v1/clearing/windows", headers=maker)).json()["data"]
    assert [window["state"] for window in windows] == ["open"]
    path = f"/v1/clearing/windows/{windows[0]['id']}/positions"
    seen = (await anonymous.get(path, headers=maker)).json()
    assert [position["due"]["amount"] for position in seen["positions"]] == ["-80.00", "80.00"]
    assert [pair["amount"]["amount"] for pair in seen["bilateral"]] == ["80.00"]
    own = f"/v1/clearing/windows/{windows[0]['id']}/statement"
    params = {"participant": CODES[0]}
    statement = (await anonymous.get(own, params=params, headers=maker)).json()
    assert statement["position"]["due"]["amount"] == "-80.00"
    (line,) = statement["data"]
    assert (line["side"], line["counterparty"], line["amount"]["amount"]) == (
        "sent",
        CODES[1],
        "80.00",
    )
    sheet = await anonymous.get(f"{own}.csv", params=params, headers=maker)
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert f",sent,{CODES[1]},beps,80.00,CNY,accepted," in sheet.text
    nobody = await anonymous.get(own, params={"participant": "105100000017"}, headers=maker)
    assert (nobody.status_code, nobody.json()["code"]) == (404, "participant_not_found")
    early = await anonymous.get(f"{own}.xml", params=params, headers=maker)
    assert (early.status_code, early.json()["code"]) == (409, "window_state_refused")
    offsets = (await anonymous.get("/v1/clearing/offsets", headers=maker)).json()
    assert offsets == {"data": []}
    queue = (await anonymous.get("/v1/clearing/queue", headers=maker)).json()
    assert [waiting["amount"]["amount"] for waiting in queue["net"]] == ["50.00"]
    assert queue["gross"] == []

    async def ask(participant: str, cap: str, headers: dict[str, str]) -> httpx.Response:
        return await anonymous.post(
            "/v1/clearing/caps",
            json=body(participant, cap),
            headers={**headers, "Idempotency-Key": uuid.uuid4().hex},
        )

    assert (await ask("105100000017", "1.00", maker)).status_code == 404
    assert (await ask(CODES[0], "1.00", checker)).status_code == 403
    lower = await staff.decide(await ask(CODES[0], "79.99", maker), checker)
    assert lower.json()["code"] == "cap_below_use"
    decided = await staff.decide(await ask(CODES[0], "130.00", maker), checker)
    assert decided.status_code == 200, decided.text
    queue = (await anonymous.get("/v1/clearing/queue", headers=maker)).json()
    assert queue["net"] == []


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


async def test_banks_join_fund_and_keep_reserves_by_two(
    api: Any, anonymous: httpx.AsyncClient, staff: Any
) -> None:
    maker, checker = [
        await staff.sign_in(await staff.person(*each))
        for each in (("terms", "operations"), ("terms2", "risk"))
    ]
    bank = "104100000004"
    why = {"participant": bank, "reason": "contract 12"}

    async def ask(path: str, **more: Any) -> httpx.Response:
        return await anonymous.post(
            f"/v1/clearing/{path}",
            json={**why, **more},
            headers={**maker, "Idempotency-Key": uuid.uuid4().hex},
        )

    terms = {"name_zh": "中国银行", "name_en": "BOC", "net_debit_cap": yuan("100.00")}
    assert (await ask("deposits", amount=yuan("1.00"))).status_code == 404
    wrong = await ask("participants", **terms, participant="104100000005")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "code")
    first, second = [await ask("participants", **terms) for _ in range(2)]
    assert (await staff.decide(first, maker)).status_code == 403
    assert (await staff.decide(first, checker)).status_code == 200
    late = await staff.decide(second, checker)
    assert (late.status_code, late.json()["code"]) == (409, "participant_exists")
    assert (await ask("participants", **terms)).status_code == 409
    for amount, is_collateral in (("1000.00", False), ("50.00", True)):
        asked = await ask("deposits", amount=yuan(amount), is_collateral=is_collateral)
        done = await staff.decide(asked, checker)
        assert done.status_code == 200, done.text
        again = await staff.decide(asked, checker)
        assert again.status_code in (200, 409)
    for bad in ("0.00", "-1.00", "1.001"):
        assert (await ask("deposits", amount=yuan(bad))).status_code == 422
    assert (await ask("reserves", reserved=yuan("-1.00"))).status_code == 422
    kept = await staff.decide(await ask("reserves", reserved=yuan("400.00")), checker)
    assert kept.status_code == 200, kept.text

    async def read(uow: Any) -> tuple[str, ...]:
        (found,) = [each for each in await clearing.list_participants(uow) if each.code == bank]
        accounts = (found.account_id, found.collateral_account_id)
        held = [(await ledger.get_balance(uow, each)).posted.format() for each in accounts]
        return (*held, Money(found.reserved, "CNY").format())

    assert await api.run(read) == ("1000.00", "50.00", "400.00")
