"""Paying in the customer's app, with every fault on the way: one payment, and never a riddle."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route
from tests.apps.world import DESKTOP, PHONE, PIN, Person, Telephone, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def fill_in(telephone: Telephone, payee: Person, amount: str) -> None:
    page = telephone.page
    await telephone.go("/pay")
    await page.get_by_label("对方手机号或账号").fill(payee.mobile)
    await page.get_by_label("金额").fill(amount)
    await telephone.press("下一步")


async def spent(world: World, person: Person) -> list[str]:
    return [
        line["amount"]["amount"]
        for line in await world.statement(person)
        if line["side"] == "debit"
    ]


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_from_the_log_in_to_the_bill(world: World, size: tuple[int, int]) -> None:
    payer, payee = await world.new_person("李雷"), await world.new_payee()
    async with world.telephone(payer, size=size) as telephone:
        page = telephone.page
        await telephone.go("/")
        await telephone.see("您好")
        await page.get_by_test_id("balance").get_by_text("¥10,000.00").wait_for()
        await page.get_by_role("link", name="付款", exact=True).click()
        await page.get_by_label("对方手机号或账号").fill(payee.mobile)
        await page.get_by_label("金额").fill("12.34")
        await page.get_by_label("备注").fill("午饭")
        await telephone.press("下一步")
        await telephone.see("请核对")
        await telephone.press("确认付款 ¥12.34")
        await telephone.see("付款成功")
        await page.get_by_role("link", name="回到首页").click()
        await page.get_by_test_id("balance").get_by_text("¥9,987.66").wait_for()
        await page.get_by_role("link", name="全部账单").click()
        await page.get_by_text("-¥12.34").first.click()
        await telephone.see("账单详情")
        async with page.expect_download() as receipt:
            await telephone.press("下载电子回单")
        assert (await receipt.value).suggested_filename.endswith(".pdf")
    assert await spent(world, payer) == ["12.34"]
    assert [line["amount"]["amount"] for line in await world.statement(payee)] == ["12.34"]


async def test_a_large_payment_asks_for_the_pin_first(world: World) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:
        await fill_in(telephone, payee, "1500")
        await telephone.press("确认付款 ¥1,500.00")
        await telephone.see("这笔付款需要再验证一次")
        assert await spent(world, payer) == []
        await telephone.page.get_by_label("6 位支付密码").fill("111222")
        await telephone.press("请输入支付密码")
        await telephone.see("没有付款，钱仍在您的账户里")
        await telephone.page.get_by_label("6 位支付密码").fill(PIN)
        await telephone.press("请输入支付密码")
        await telephone.see("付款成功")
    assert await spent(world, payer) == ["1500.00"]


async def test_a_double_tap_pays_once(world: World) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:
        await fill_in(telephone, payee, "5")
        await telephone.page.get_by_role("button", name="确认付款").dblclick(no_wait_after=True)
        await telephone.see("付款成功")
    assert await spent(world, payer) == ["5.00"]


async def test_an_answer_that_is_lost_is_asked_for_again_and_pays_once(world: World) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:

        async def lose(route: Route) -> None:
            await route.fetch()
            await route.abort()

        await telephone.page.route("**/v1/payments", lose, times=1)
        await fill_in(telephone, payee, "7")
        await telephone.press("确认付款")
        await telephone.see("付款结果还不清楚")
        await telephone.go("/")
        await telephone.see("有一笔付款没有收到结果")
        await telephone.page.get_by_role("link", name="查询结果").click()
        await telephone.see("上一笔付款还没有收到结果")
        await telephone.press("查询结果")
        await telephone.see("付款成功")
    assert await spent(world, payer) == ["7.00"]


async def test_a_request_that_is_lost_may_be_sent_again(world: World) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:
        await telephone.page.route("**/v1/payments", lambda route: route.abort(), times=1)
        await fill_in(telephone, payee, "8")
        await telephone.press("确认付款")
        await telephone.see("付款结果还不清楚")
        assert await spent(world, payer) == []
        await telephone.press("查询结果")
        await telephone.see("付款成功")
    assert await spent(world, payer) == ["8.00"]


PROBLEM = {
    "type": "urn:huitong:problem:busy",
    "title": "Busy",
    "status": 503,
    "detail": "Not now.",
    "code": "busy",
}


@pytest.mark.parametrize("answer", [{"json": PROBLEM}, {"body": "<html>gateway</html>"}])
async def test_a_503_in_mid_payment_says_so_and_pays_once(
    world: World, answer: dict[str, Any]
) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:

        async def refuse(route: Route) -> None:
            await route.fulfill(status=503, headers={"Retry-After": "1"}, **answer)

        await telephone.page.route("**/v1/payments", refuse, times=2)
        await fill_in(telephone, payee, "9")
        await telephone.press("确认付款")
        await telephone.see("付款结果还不清楚")
        await telephone.press("查询结果")
        await telephone.see("同一笔不会付两次")
        await telephone.press("查询结果")
        await telephone.see("付款成功")
    assert await spent(world, payer) == ["9.00"]


async def test_back_in_mid_payment_loses_nothing(world: World) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:
        gate = asyncio.Event()

        async def wait(route: Route) -> None:
            await gate.wait()
            await route.continue_()

        await telephone.go("/")
        await telephone.page.route("**/v1/payments", wait, times=1)
        await telephone.page.get_by_role("link", name="付款", exact=True).click()
        await telephone.page.get_by_label("对方手机号或账号").fill(payee.mobile)
        await telephone.page.get_by_label("金额").fill("3")
        await telephone.press("下一步")
        await telephone.press("确认付款")
        await telephone.see("正在付款")
        await telephone.page.go_back()
        await telephone.see("有一笔付款没有收到结果")
        await telephone.page.get_by_role("link", name="查询结果").click()
        await telephone.press("查询结果")
        await telephone.see("付款成功")
        gate.set()
    assert await spent(world, payer) == ["3.00"]


async def test_a_session_that_ends_in_mid_payment_leads_to_the_log_in_and_back(
    world: World,
) -> None:
    payer, payee = await world.new_person(), await world.new_payee()
    async with world.telephone(payer) as telephone:
        await fill_in(telephone, payee, "4")
        async with world.client() as client:
            left = await client.post("/v1/identity/log-out", json={}, headers=payer.headers)
        assert left.status_code == 204
        await telephone.press("确认付款")
        await telephone.see("请重新登录后查询结果")
        await telephone.press("重新登录")
        await telephone.see("登录已过期")
    assert await spent(world, payer) == []


async def test_what_cannot_be_paid_is_said_and_costs_nothing(world: World) -> None:
    payer, payee = await world.new_person(yuan=10), await world.new_payee()
    async with world.telephone(payer) as telephone:
        page = telephone.page
        await telephone.go("/pay")
        await telephone.press("下一步")
        await telephone.see("请输入手机号或账号")
        await page.get_by_label("对方手机号或账号").fill(payee.mobile)
        for typed, said in (
            ("1.005", "最多两位小数"),
            ("0", "金额必须大于 0"),
            ("abc", "例如 12.50"),
        ):
            await page.get_by_label("金额").fill(typed)
            await telephone.see(said)
        await page.get_by_label("金额").fill("10.01")
        await telephone.press("下一步")
        await telephone.press("确认付款")
        await telephone.see("余额不足")
        await telephone.see("没有付款，钱仍在您的账户里")
        await telephone.press("修改")
        await page.get_by_label("金额").wait_for()
    assert await spent(world, payer) == []
