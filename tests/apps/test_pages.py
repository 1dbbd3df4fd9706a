"""Every page of the customer's app: no axe violation in any mode, and something to see."""

from pathlib import Path
from typing import Any

import pytest
from tests.apps.world import DESKTOP, PHONE, Person, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[2] / "apps/node_modules/axe-core/axe.min.js"
PAGES = [
    "/",
    "/bills",
    "/charts",
    "/loans",
    "/messages",
    "/mine",
    "/pay",
    "/privacy",
    "/receive",
    "/report-loss",
    "/scan",
    "/security",
    "/settings",
    "/split",
    "/no-such-page",
]
MODES: list[dict[str, Any]] = [
    {"theme": "light"},
    {"theme": "dark"},
    {"is_elder": True},
    {"theme": "dark", "language": "en", "size": DESKTOP},
]


@pytest.fixture(scope="module")
def kept() -> dict[str, Person]:
    return {}


async def person_of(world: World, kept: dict[str, Person]) -> Person:
    """Return somebody to whom a few things have happened already."""
    if "person" not in kept:
        person, friend = await world.new_person(), await world.new_payee()
        for amount in ("12.34", "188.00", "0.99"):
            await world.post(
                "/v1/payments",
                {
                    "payer": person.account,
                    "payee": friend.account,
                    "amount": {"amount": amount, "currency": "CNY"},
                },
            )
        kept["person"] = person
    return kept["person"]


async def find_violations(page: Any) -> list[str]:
    """Return what axe finds against WCAG 2.2 A and AA and its own best practices."""
    if not await page.evaluate("'axe' in window"):
        # Not as a script in the page, which the policy refuses.
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:160]}"
        for each in found["violations"]
    ]


@pytest.mark.parametrize("mode", MODES, ids=["light", "dark", "elder", "desktop"])
async def test_no_page_shuts_anybody_out(
    world: World, kept: dict[str, Person], mode: dict[str, Any]
) -> None:
    person = await person_of(world, kept)
    found = {}
    async with world.telephone(person, **mode) as telephone:
        for path in PAGES:
            await telephone.go(path)
            await telephone.settle()
            assert await telephone.page.locator("h1").count() == 1, path
            wide = await telephone.page.evaluate(
                "document.documentElement.scrollWidth - innerWidth"
            )
            assert wide <= 0, f"{path} scrolls sideways by {wide}"
            violations = await find_violations(telephone.page)
            if violations:
                found[path] = violations
    assert found == {}


@pytest.mark.parametrize("mode", MODES, ids=["light", "dark", "elder", "desktop"])
async def test_the_log_in_and_sign_up_shut_nobody_out(world: World, mode: dict[str, Any]) -> None:
    async with world.telephone(**mode) as telephone:
        await telephone.go("/")
        await telephone.page.locator("form").first.wait_for()
        assert await find_violations(telephone.page) == []
        await telephone.page.locator(".links button").first.click()
        await telephone.page.get_by_role("checkbox").check()
        await telephone.page.locator("form").first.wait_for()
        assert await find_violations(telephone.page) == []


async def test_elder_mode_has_large_type_and_four_choices_at_most(
    world: World, kept: dict[str, Person]
) -> None:
    person = await person_of(world, kept)
    async with world.telephone(person, is_elder=True) as telephone:
        for path in ("/", "/mine"):
            await telephone.go(path)
            await telephone.settle()
            choices = telephone.page.locator("main a")
            assert 1 <= await choices.count() <= 4, path
            size = await choices.first.evaluate(
                "each => parseFloat(getComputedStyle(each).fontSize)"
            )
            assert size >= 18


async def test_the_first_load_is_light(world: World) -> None:
    sizes = {}
    async with world.telephone() as telephone:
        session = await telephone.page.context.new_cdp_session(telephone.page)
        await session.send("Network.enable")
        kinds: dict[str, str] = {}
        session.on(
            "Network.responseReceived",
            lambda said: kinds.update({said["requestId"]: said["response"]["url"]}),
        )
        session.on(
            "Network.loadingFinished",
            lambda said: sizes.update({said["requestId"]: said["encodedDataLength"]}),
        )
        await telephone.go("/")
        await telephone.page.locator("form").first.wait_for()
    scripts = [size for each, size in sizes.items() if kinds.get(each, "").endswith(".js")]
    assert scripts
    assert sum(scripts) <= 250 * 1024


async def test_the_keyboard_alone_reaches_everything(world: World, kept: dict[str, Person]) -> None:
    person, friend = await person_of(world, kept), await world.new_payee()
    async with world.telephone(person, size=PHONE) as telephone:
        page = telephone.page
        await telephone.go("/")
        await telephone.settle()
        await reach(page, "付款")
        await page.keyboard.press("Enter")
        await page.get_by_label("对方手机号或账号").wait_for()
        await reach(page, "对方手机号或账号")
        await page.keyboard.type(friend.mobile)
        await page.keyboard.press("Tab")
        await page.keyboard.type("1.50")
        await page.keyboard.press("Enter")
        await reach(page, "确认付款 ¥1.50")
        await page.keyboard.press("Enter")
        await telephone.see("付款成功")
    assert len(await world.statement(friend)) == 1


async def reach(page: Any, name: str) -> None:
    """Press Tab until the thing with this name has the focus; fails if it never has."""
    for _ in range(40):
        focused = await page.evaluate(
            "(document.activeElement.labels?.[0] ?? document.activeElement).innerText"
        )
        if focused is not None and focused.strip() == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {name}")
