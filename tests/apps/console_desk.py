"""A desk of the console: a member of staff signed in, in a browser's window."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from playwright.async_api import Page, expect
from tests.api.conftest import STAFF_PASSWORD, Colleague, StaffOffice
from tests.apps.world import World

from huitong.api.signed_in import STAFF_COOKIE

AXE: Final = Path(__file__).resolve().parents[2] / "apps/node_modules/axe-core/axe.min.js"
#: A busy machine may take so long for a page.
_PATIENCE_MS: Final = 30_000
#: WCAG 2.2 at levels A and AA, and what axe's authors hold for good practice.
_TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Desk:
    """A window on the console, and what went wrong in it."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}/console{path}")
        await self.settle()

    async def settle(self) -> None:
        """Wait until the page is there and nothing loads any more."""
        await self.page.wait_for_selector("h1")
        waiting = self.page.locator(".ant-skeleton, .ant-spin-spinning")
        await expect(waiting).to_have_count(0, timeout=_PATIENCE_MS)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def see(self, text: str) -> None:
        await self.page.get_by_text(text).first.wait_for()

    async def confirm(self, title: str, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        """Fill in the form of an act that is open, and send it."""
        dialog = self.page.get_by_role("dialog", name=title)
        for label, value in fields.items():
            target = dialog.get_by_label(label)
            if await target.evaluate("element => element.tagName") == "SELECT":
                await target.select_option(value)
            else:
                await target.fill(value)
        await dialog.get_by_role("button", name=title, exact=True).click()
        await dialog.wait_for(state="hidden")

    async def list_violations(self) -> list[str]:
        """Return what axe-core finds wrong with the page as it stands, one line each.

        The grid of decision tables is GoRules': what it is made of is not ours to change.
        """
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: Any = await self.page.evaluate(
            f"axe.run({{exclude: [['.grl-dt']]}}, {{runOnly: {json.dumps(_TAGS)}}})"
        )
        return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found["violations"]]


@dataclass
class ConsoleOffice:
    """The staff of the browser's server, each signed in once."""

    world: World
    office: StaffOffice
    cookies: dict[str, str] = field(default_factory=dict)

    async def hire(self, role: str) -> Colleague:
        """Return the member of staff with just this role."""
        if role == "administrator":
            return await self.office.person("admin")
        return await self.office.person(role, role)

    async def sign_in(self, name: str) -> str:
        """Return the session's token of somebody; they sign in once."""
        if name not in self.cookies:
            person = await (
                self.office.person(name) if name in self.office.people else self.hire(name)
            )
            headers = await self.office.sign_in(person)
            self.cookies[name] = headers["Authorization"].removeprefix("Bearer ")
        return self.cookies[name]

    @asynccontextmanager
    async def desk(
        self,
        name: str | None,
        *,
        size: tuple[int, int] = (1360, 860),
        theme: str = "light",
        language: str = "zh",
    ) -> AsyncIterator[Desk]:
        """Open the console; what goes wrong in the browser, or leaves the host, fails the test."""
        context = await self.world.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN",
            reduced_motion="reduce",
            accept_downloads=True,
        )
        if name is not None:
            await context.add_cookies(
                [
                    {
                        "name": STAFF_COOKIE,
                        "value": await self.sign_in(name),
                        "url": self.world.url.replace("http://", "https://"),
                        "secure": True,
                        "httpOnly": True,
                        "sameSite": "Strict",
                    }
                ]
            )
        await context.add_init_script(
            f"localStorage.getItem('huitong.console.theme') ||"
            f" localStorage.setItem('huitong.console.theme', '{theme}');"
            f"localStorage.getItem('huitong.console.language') ||"
            f" localStorage.setItem('huitong.console.language', '{language}')"
        )
        page = await context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        found = Desk(page, self.world.url)
        page.on("pageerror", lambda error: found.troubles.append(str(error)))
        page.on("console", lambda said: _note(found, said.type, said.text))
        page.on("request", lambda asked: _note_request(found, asked.url))
        try:
            yield found
        finally:
            await context.close()
        assert found.troubles == [], found.troubles
        assert found.strangers == [], found.strangers


def _note(desk: Desk, kind: str, text: str) -> None:
    # A browser says this by itself of every answer that is no success; the console tells people.
    if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
        desk.troubles.append(text)


def _note_request(desk: Desk, url: str) -> None:
    if not url.startswith((desk.url, "data:", "blob:")):
        desk.strangers.append(url)


__all__ = ["STAFF_PASSWORD", "Colleague", "ConsoleOffice", "Desk"]
