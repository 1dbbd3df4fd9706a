"""Takes the pictures of the docs: `make screenshots`. No test by its name; run on purpose."""

from pathlib import Path
from typing import Any

import pytest
from tests.apps.world import DESKTOP, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

TO = Path(__file__).parents[2] / "docs/pictures"
PICTURES: list[tuple[str, str, dict[str, Any]]] = [
    ("home", "/", {}),
    ("home-dark", "/", {"theme": "dark"}),
    ("home-elder", "/", {"is_elder": True}),
    ("home-desktop-en", "/", {"language": "en", "size": DESKTOP}),
    ("bills", "/bills", {}),
    ("charts", "/charts", {}),
    ("pay", "/pay?to=13800000000&amount=88.00", {}),
    ("receive", "/receive", {}),
    ("scan", "/scan", {}),
    ("split", "/split", {}),
    ("loans", "/loans", {}),
    ("messages", "/messages", {}),
    ("mine", "/mine", {}),
    ("security", "/security", {}),
    ("privacy", "/privacy", {}),
    ("settings", "/settings", {}),
    ("report-loss", "/report-loss", {}),
]


async def test_take_pictures(world: World) -> None:
    TO.mkdir(parents=True, exist_ok=True)
    person, friend = await world.new_person(yuan=23_456), await world.new_payee()
    for amount in ("12.34", "188.00", "56.90", "1999.00"):
        await world.post(
            "/v1/payments",
            {
                "payer": person.account,
                "payee": friend.account,
                "amount": {"amount": amount, "currency": "CNY"},
            },
        )
    async with world.telephone() as telephone:
        await telephone.go("/")
        await telephone.page.locator("form").first.wait_for()
        await telephone.page.screenshot(path=TO / "log-in.png")
    for name, path, mode in PICTURES:
        async with world.telephone(person, **mode) as telephone:
            await telephone.go(path)
            await telephone.settle()
            await telephone.page.wait_for_load_state("networkidle")
            await telephone.page.screenshot(path=TO / f"{name}.png")
