"""The server and the people of the browser tests, and a telephone to look at the app with."""

import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from playwright.async_api import Browser, BrowserContext, Page, expect
from tests.api.conftest import Api

from huitong import identity
from huitong.api.logged_in import ANTI_FORGERY_HEADER, COOKIE
from huitong.kernel.clock import SystemClock
from huitong.kernel.ids import CUSTOMER, read_id, uuid7
from huitong.privacy import Vault

PIN: Final = "802753"
PHONE: Final = (390, 844)
DESKTOP: Final = (1280, 800)
#: A browser says this by itself of every answer that is no success; the app tells people.
_SAID_BY_BROWSER: Final = re.compile(r"Failed to load resource: (the server responded|net::ERR_)")


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with a login: what the tests need to know of them."""

    name: str
    mobile: str
    customer: str
    account: str
    cookie: str
    headers: dict[str, str] = field(repr=False)


@dataclass
class Telephone:
    """A browser's window, what it asked for and what went wrong in it."""

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}/app{path}")
        await self.page.wait_for_selector("main")

    async def settle(self) -> None:
        """Wait until nothing is loading any more."""
        await expect(self.page.locator(".waiting, [aria-busy=true]")).to_have_count(
            0, timeout=20_000
        )

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name).click()

    async def see(self, text: str) -> None:
        await self.page.get_by_text(text).first.wait_for()


@dataclass
class World:
    """The running server, and how its people come to be."""

    api: Api
    vault: Vault
    browser: Browser
    url: str
    key: str

    async def new_person(
        self, name: str = "王小明", yuan: int = 10_000, *, has_login: bool = True
    ) -> Person:
        """Return a new customer with this much money, logged in, with a payment PIN."""
        mobile = f"13{uuid.uuid4().int % 10**9:09d}"
        async with self.client() as client:
            opened = await client.post(
                "/v1/customers",
                json={"name": name, "mobile": mobile, "account_class": 3},
                headers={**self.partner, "Idempotency-Key": uuid.uuid4().hex},
            )
            assert opened.status_code == 201, opened.text
            customer, account = opened.json()["id"], opened.json()["account"]
            if yuan:
                await self.api.fund(account, yuan * 100)
            if not has_login:
                return Person(name, mobile, customer, account, "", {})
            await self._open_login(customer, mobile)
            cookie = await self._log_in(client, mobile)
            headers = {"Cookie": f"{COOKIE}={cookie}", ANTI_FORGERY_HEADER: "1"}
            pin = await client.put("/v1/identity/pin", json={"pin": PIN}, headers=headers)
            assert pin.status_code == 204, pin.text
        return Person(name, mobile, customer, account, cookie, headers)

    async def new_payee(self) -> Person:
        """Return a customer who is only paid."""
        return await self.new_person("韩梅梅", 0, has_login=False)

    @property
    def partner(self) -> dict[str, str]:
        """The headers of the bank's own key."""
        return {"Authorization": f"Bearer {self.key}"}

    def client(self) -> httpx.AsyncClient:
        # Each request on a connection of its own: a slow machine closes kept ones in between.
        apart = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.api.url, timeout=20, limits=apart)

    def read_code(self, mobile: str) -> str:
        """Return the code that a telephone was last sent."""
        text = self.api.sms.read_last(mobile)
        assert text is not None
        return re.findall("[0-9]{6}", text)[0]

    async def statement(self, person: Person) -> list[dict[str, Any]]:
        """Return the lines of somebody's account as the ledger has them."""
        async with self.client() as client:
            answer = await client.get(
                f"/v1/accounts/{person.account}/statement", headers=self.partner
            )
        assert answer.status_code == 200, answer.text
        lines: list[dict[str, Any]] = answer.json()["data"]
        return lines

    async def post(self, path: str, body: Any) -> Any:
        """Do something as the bank's own system."""
        headers = {**self.partner, "Idempotency-Key": uuid.uuid4().hex}
        async with self.client() as client:
            answer = await client.post(path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()

    @asynccontextmanager
    async def telephone(
        self,
        person: Person | None = None,
        *,
        size: tuple[int, int] = PHONE,
        language: str = "zh",
        theme: str = "light",
        is_elder: bool = False,
    ) -> AsyncIterator[Telephone]:
        """Open the app; what goes wrong in the browser, or leaves the host, fails the test."""
        context = await self._open_context(person, size)
        prefs = f'{{"language":"{language}","theme":"{theme}","isElder":{str(is_elder).lower()}}}'
        await context.add_init_script(
            f"if (!localStorage.getItem('huitong.prefs'))"
            f" localStorage.setItem('huitong.prefs', '{prefs}')"
        )
        page = await context.new_page()
        page.set_default_timeout(8000)
        found = Telephone(page, self.url)
        page.on("pageerror", lambda error: found.troubles.append(str(error)))
        page.on("console", lambda said: _note(found, said.type, said.text))
        page.on("request", lambda asked: _note_request(found, asked.url))
        try:
            yield found
        finally:
            await context.close()
        assert found.troubles == []
        assert found.strangers == []

    async def _open_context(self, person: Person | None, size: tuple[int, int]) -> BrowserContext:
        width, height = size
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            reduced_motion="reduce",
            service_workers="block",
            has_touch=size == PHONE,
        )
        if person is not None:
            await context.add_cookies(
                [
                    {
                        "name": COOKIE,
                        "value": person.cookie,
                        "url": self.url.replace("http:", "https:"),
                        "secure": True,
                        "httpOnly": True,
                        "sameSite": "Strict",
                    }
                ]
            )
        return context

    async def _open_login(self, customer: str, mobile: str) -> None:
        await self.api.run(
            lambda uow: identity.open_login(
                uow,
                vault=self.vault,
                login_id=uuid7(),
                audience=identity.Audience.CUSTOMER,
                subject_id=read_id(CUSTOMER, customer, field="id"),
                mobile=mobile,
                now=SystemClock().now(),
            )
        )

    async def _log_in(self, client: httpx.AsyncClient, mobile: str) -> str:
        asked = await client.post("/v1/identity/codes", json={"mobile": mobile})
        assert asked.status_code == 201, asked.text
        body = {
            "code_id": asked.json()["id"],
            "code": self.read_code(mobile),
            "delivery": "cookie",
        }
        answer = await client.post(
            "/v1/identity/sessions/by-code", json=body, headers={ANTI_FORGERY_HEADER: "1"}
        )
        assert answer.status_code == 201, answer.text
        found = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
        assert found is not None
        return found[1]


def _note(telephone: Telephone, kind: str, text: str) -> None:
    if kind == "error" and not _SAID_BY_BROWSER.match(text):
        telephone.troubles.append(text)


def _note_request(telephone: Telephone, address: str) -> None:
    if not address.startswith((telephone.url, "data:", "blob:")):
        telephone.strangers.append(address)
