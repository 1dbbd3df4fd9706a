"""The console: every page in light and dark without a violation, and each path end to end."""

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.api.conftest import StaffOffice
from tests.apps.console_desk import STAFF_PASSWORD, ConsoleOffice
from tests.apps.console_seed import Seed, make_seed
from tests.apps.world import PHONE, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

DESKTOP = (1360, 860)
expect.set_options(timeout=20_000)
#: Whose page it is, its address, and what is read there.
PAGES = [
    ("operations", "/", "看板"),
    ("operations", "/approvals", "审批箱"),
    ("operations", "/payments", "支付"),
    ("operations", "/payments/{payment}", "支付轨迹"),
    ("risk", "/stopped", "待处理的支付"),
    ("operations", "/customers", "客户"),
    ("operations", "/customers/{customer}", "客户"),
    ("credit", "/loans", "贷款"),
    ("credit", "/products", "产品"),
    ("risk", "/cases", "案件与预警"),
    ("risk", "/cases/{case}", "案件"),
    ("risk", "/rules", "规则"),
    ("risk", "/rules/{rules}", "规则版本"),
    ("credit", "/tables", "决策表"),
    ("credit", "/tables/{table}", "决策表"),
    ("operations", "/ledger", "总账"),
    ("operations", "/ledger/codes/2011.01", "科目 2011.01"),
    ("operations", "/ledger/accounts/{account}", "账户"),
    ("operations", "/breaks", "对账差错"),
    ("operations", "/rulebook", "规则手册"),
    ("compliance", "/audit", "审计记录"),
    ("operations", "/work", "失败的任务"),
    ("administrator", "/staff", "员工与角色"),
    ("operations", "/nowhere", "没有这个页面"),
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console(world: World) -> ConsoleOffice:
    """The staff of the browser's server."""
    return ConsoleOffice(world, StaffOffice(world.api, world.vault))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seed(console: ConsoleOffice) -> Seed:
    """Payments, a case with a held payment, versions of rules and of a table."""
    return await make_seed(console)


@pytest.mark.parametrize("role", list(dict.fromkeys(role for role, _, _ in PAGES)))
async def test_no_page_has_a_violation_and_each_fits_a_telephone(
    console: ConsoleOffice, seed: Seed, role: str
) -> None:
    found = []
    async with console.desk(role) as desk:
        for path, title in [(path, title) for who, path, title in PAGES if who == role]:
            await desk.go(seed.fill(path))
            await expect(desk.page.get_by_role("heading", level=1)).to_have_text(title)
            found += [f"{path}: {each}" for each in await desk.list_violations()]
            await desk.press("深色")
            found += [f"{path}, dark: {each}" for each in await desk.list_violations()]
            await desk.press("浅色")
            await desk.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            wide = await desk.page.evaluate("document.documentElement.scrollWidth")
            if wide > PHONE[0]:
                found.append(f"{path} is {wide} wide")
            await desk.page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    assert found == []


async def test_the_menu_opens_on_a_telephone_and_speaks_english(console: ConsoleOffice) -> None:
    async with console.desk("operations", size=PHONE, language="en") as desk:
        await desk.go("/nowhere")
        await desk.press("Menu")
        await desk.page.get_by_role("link", name="Approvals").first.click()
        await desk.see("Everything that one member")
        assert await desk.list_violations() == []


async def test_a_member_signs_in_with_a_code_by_keyboard_only(console: ConsoleOffice) -> None:
    person = await console.office.person("newcomer", "operations")
    code = next(iter(person.next_code().values()))
    async with console.desk(None) as desk:
        await desk.page.goto(f"{console.world.url}/console/payments")
        await desk.page.get_by_label("工作邮箱").focus()
        assert await desk.list_violations() == []
        for text in (person.email, STAFF_PASSWORD):
            await desk.page.keyboard.type(text)
            await desk.page.keyboard.press("Tab")
        await desk.page.keyboard.type("000000")
        await desk.page.keyboard.press("Enter")
        await expect(desk.page.get_by_role("alert")).not_to_be_empty()
        await desk.page.get_by_label("验证器的六位数字").fill(code)
        await desk.page.keyboard.press("Enter")
        await desk.settle()
        await expect(desk.page.get_by_role("heading", level=1)).to_have_text("支付")
        # The first stop leads past the menu; the search goes to a thing by its id.
        await desk.page.keyboard.press("Tab")
        await expect(desk.page.get_by_role("link", name="跳到正文")).to_be_focused()
        await desk.press("退出")
        await expect(desk.page.get_by_label("工作邮箱")).to_be_visible()
        await desk.page.reload()
        await expect(desk.page.get_by_label("工作邮箱")).to_be_visible()


async def test_a_menu_has_what_the_role_may_see(console: ConsoleOffice, seed: Seed) -> None:
    menus = {}
    for role in ("operations", "credit", "administrator"):
        async with console.desk(role) as desk:
            await desk.go("/")
            menus[role] = await desk.page.locator("nav a").all_inner_texts()
    assert {"支付", "总账", "失败的任务"} <= set(menus["operations"])
    assert "审计记录" not in menus["operations"]
    assert {"贷款", "决策表"} <= set(menus["credit"])
    assert "支付" not in menus["credit"]
    assert menus["administrator"] == ["看板", "审批箱", "规则手册", "员工与角色"]


async def test_a_refund_is_asked_for_by_one_and_paid_by_another(
    console: ConsoleOffice, seed: Seed
) -> None:
    checker = await console.office.person("operations-checker", "operations")
    headers = await console.office.sign_in(checker)
    console.cookies["operations-checker"] = headers["Authorization"].removeprefix("Bearer ")
    payment = await find_payment(console, seed, "128.00")
    async with console.desk("operations") as maker, console.desk("operations-checker") as other:
        await maker.go(f"/payments/{payment}")
        await maker.press("申请退款")
        await maker.confirm("申请退款", {"金额": "28.00", "理由": "少发一本"})
        await maker.see("已提交，等待另一位同事批准。")
        await other.go("/approvals")
        await other.page.get_by_role("row", name="payments.refund").get_by_role("link").click()
        await other.see('"28.00"')
        await other.press("批准")
        await other.confirm("批准", {"理由": "已核对"})
        await other.see("已批准并执行。")
        await maker.go(f"/payments/{payment}")
        await maker.see("部分退款")
        await expect(maker.page.get_by_text("¥28.00").first).to_be_visible()
    shown = await find_trace(console, payment)
    assert shown["payment"]["refunded"] == {"amount": "28.00", "currency": "CNY"}


async def test_who_asked_cannot_approve(console: ConsoleOffice, seed: Seed) -> None:
    async with console.desk("operations") as desk:
        await desk.go(f"/ledger/accounts/{seed.account}")
        await desk.press("申请冻结")
        await desk.confirm("申请冻结", {"范围": "debits", "理由": "演练"})
        await desk.go("/approvals")
        row = desk.page.get_by_role("row", name="ledger.set_account_state")
        await row.get_by_role("link").click()
        await desk.settle()
        await expect(desk.page.get_by_role("button", name="批准")).to_have_count(0)
        await desk.press("撤回")
        await desk.confirm("撤回", {"理由": "只是演练"})
        await desk.see("已撤回")


async def test_a_held_payment_is_looked_into_and_paid(console: ConsoleOffice, seed: Seed) -> None:
    async with console.desk("risk") as desk:
        await desk.go("/cases")
        await desk.page.locator(f"a[href$='{seed.case}']").click()
        await desk.settle()
        await expect(desk.page.locator("canvas")).to_be_visible()
        await desk.press("由我经办")
        await desk.confirm("由我经办")
        await desk.press("加备注")
        await desk.confirm("加备注", {"备注": "已电话核实"})
        await desk.see("已电话核实")
        await desk.go(f"/payments/{seed.held}")
        await desk.see("new_payee_and_large")
        await desk.press("放行并支付")
        await desk.confirm("放行并支付", {"理由": "付款人已确认"})
        await desk.see("款项已支付给收款方。")
        await desk.go(f"/cases/{seed.case}")
        await desk.press("结案")
        await desk.confirm("结案", {"结论": "genuine", "说明": "本人操作"})
        await desk.see("已关闭")
    trace = await find_trace(console, seed.held)
    assert trace["payment"]["status"] == "succeeded"
    assert (trace["stop"]["state"], trace["stop"]["note"]) == ("paid", "付款人已确认")


async def test_an_answer_that_is_lost_pays_nothing_twice(
    console: ConsoleOffice, seed: Seed
) -> None:
    payment = await find_payment(console, seed, "9.90")
    keys: list[str] = []
    async with console.desk("operations") as desk:

        async def lose(route: Any) -> None:
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) == 1:
                await route.fetch()
                await route.abort()
            else:
                await route.continue_()

        await desk.page.route("**/refunds", lose)
        await desk.go(f"/payments/{payment}")
        await desk.press("申请退款")
        dialog = desk.page.get_by_role("dialog", name="申请退款")
        await dialog.get_by_label("理由").fill("重复下单")
        await dialog.get_by_role("button", name="申请退款").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("再次提交不会重复办理")
        await dialog.get_by_role("button", name="申请退款").click()
        await dialog.wait_for(state="hidden")
    assert len(keys) == 2
    assert len(set(keys)) == 1
    async with console.world.client() as client:
        listed = await client.get(
            "/v1/staff/approvals?pending=true",
            headers={"Authorization": f"Bearer {await console.sign_in('operations')}"},
        )
    asked = [each for each in listed.json()["data"] if each["payload"].get("payment") == payment]
    assert len(asked) == 1


async def test_a_session_that_is_over_leads_to_the_door(console: ConsoleOffice) -> None:
    person = await console.office.person("leaver", "operations")
    headers = await console.office.sign_in(person)
    console.cookies["leaver"] = headers["Authorization"].removeprefix("Bearer ")
    async with console.desk("leaver") as desk:
        await desk.go("/payments")
        async with console.world.client() as client:
            await client.post("/v1/staff/sign-out", headers=headers, json={})
        await desk.press("刷新")
        await expect(desk.page.get_by_label("工作邮箱")).to_be_visible()


async def test_a_person_is_masked_until_somebody_says_why(
    console: ConsoleOffice, seed: Seed
) -> None:
    async with console.desk("operations") as desk:
        await desk.go(f"/customers/{seed.customer}")
        await expect(desk.page.get_by_text("李雷")).to_have_count(0)
        await desk.press("查看完整信息")
        await desk.confirm("查看完整信息", {"用途": "identity_check", "理由": "客户来电核对"})
        await desk.see("李雷")


async def find_trace(console: ConsoleOffice, payment: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {await console.sign_in('operations')}"}
    async with console.world.client() as client:
        answer = await client.get(f"/v1/staff/payments/{payment}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def find_payment(console: ConsoleOffice, seed: Seed, amount: str) -> str:
    headers = {"Authorization": f"Bearer {await console.sign_in('operations')}"}
    async with console.world.client() as client:
        answer = await client.get(
            f"/v1/staff/payments?account={seed.account}&kind=payment", headers=headers
        )
    (found,) = [each["id"] for each in answer.json()["data"] if each["amount"]["amount"] == amount]
    return str(found)
