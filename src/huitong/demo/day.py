"""What every scene uses: calls that must succeed or be refused, and books kept beside the platform.

The demo keeps its own books from what it asked for, never from what the platform says, and compares
them with the platform's balances after each scene.
"""

import random
import time
import uuid
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from huitong.demo.client import Answer, Client
from huitong.demo.stage import Stage
from huitong.kernel.errors import Fault
from huitong.kernel.money import Money

CURRENCY: Final = "CNY"
_WAIT_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.1


class StoryBroken(Fault):
    """An answer was so different from what the story expects that it cannot go on."""

    code = "demo_story_broken"
    title = "The demo cannot go on"


@dataclass(slots=True)
class Person:
    """A customer or a merchant of the story, and what must be on the account now."""

    name: str
    id: str
    account: str
    mobile: str = ""
    posted: int = 0
    held: int = 0
    fee_rate: Decimal = Decimal(0)


@dataclass(slots=True)
class Day:
    """One run of the story."""

    client: Client
    stage: Stage
    seed: int
    #: Sets this run apart from others on the same platform: mobile numbers are unique.
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    people: list[Person] = field(default_factory=list)
    checks: int = 0
    differences: list[str] = field(default_factory=list)
    chance: random.Random = field(init=False)
    _requests: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"huitong demo {self.seed}")  # noqa: S311 - to be repeatable

    def do(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done and return the answer; raises StoryBroken if it was not done."""
        answer = self.client.post(path, body, key=self.next_key())
        if not answer.is_success:
            raise _broken(f"POST {path}", answer)
        found: dict[str, Any] = answer.body
        return found

    def read(self, path: str, **query: str | int) -> Any:
        """Read something and return it; raises StoryBroken."""
        answer = self.client.get(path, **query)
        if not answer.is_success:
            raise _broken(f"GET {path}", answer)
        return answer.body

    def next_key(self) -> str:
        """Return an idempotency key that no other request of any run has."""
        self._requests += 1
        return f"demo-{self.run}-{self._requests}"

    def refused(self, path: str, body: dict[str, Any], *, code: str) -> None:
        """Ask for what must be refused with `code`, show the problem, check that nothing moved."""
        before = self.balances()
        answer = self.client.post(path, body, key=self.next_key())
        if isinstance(answer.body, dict):
            self.stage.problem(answer.body)
        self.check("拒绝 refused", answer.code, code)
        self.check("余额未变 nothing has moved", self.balances() == before, True)

    def check(self, what: str, found: object, expected: object) -> None:
        """Note whether something is as it must be."""
        self.checks += 1
        is_right = found == expected
        if is_right:
            self.stage.note(True, f"{what}: {_show(found)}" if _says_much(found) else what)
            return
        difference = f"{what}: {_show(found)}, expected {_show(expected)}"
        self.differences.append(difference)
        self.stage.note(False, difference)

    def balance(self, person: Person) -> tuple[int, int]:
        """Return what the platform says is on the account: posted and available."""
        found = self.read(f"/v1/accounts/{person.account}/balance")
        return minor(found["balance"]), minor(found["available"])

    def balances(self) -> dict[str, tuple[int, int]]:
        """Return everybody's posted and available balance."""
        return {person.account: self.balance(person) for person in self.people}

    def tie(self) -> None:
        """Compare everybody's balances with the books kept here."""
        found = self.balances()
        expected = {
            person.account: (person.posted, person.posted - person.held) for person in self.people
        }
        wrong = [
            f"{person.name} {found[person.account]} ≠ {expected[person.account]}"
            for person in self.people
            if found[person.account] != expected[person.account]
        ]
        self.checks += 1
        self.differences.extend(wrong)
        self.stage.note(not wrong, "；".join(wrong) or "账实相符 every balance ties")
        self.stage.aside(
            "  ".join(f"{person.name} {yuan(person.posted)}" for person in self.people)
        )

    def wait_for_payment(self, payment_id: str) -> dict[str, Any]:
        """Wait until a payment order has an outcome, and return it; raises StoryBroken."""
        deadline = time.monotonic() + _WAIT_SECONDS_MAX
        while True:
            order: dict[str, Any] = self.read(f"/v1/payments/{payment_id}")
            if order["status"] not in ("created", "pending"):
                return order
            if time.monotonic() >= deadline:
                raise StoryBroken(
                    f"{payment_id} is still {order['status']} after {_WAIT_SECONDS_MAX:.0f} s. "
                    "Does a worker run?"
                )
            time.sleep(_POLL_SECONDS)

    def some(self, least: int, most: int) -> int:
        """Return an amount in minor units; the seed decides which."""
        return self.chance.randint(least, most)


def money(amount: int) -> dict[str, str]:
    """Return minor units as the API takes them."""
    return Money(amount, CURRENCY).to_json()


def minor(shown: dict[str, str]) -> int:
    """Return the minor units of an amount as the API shows it."""
    return Money.parse(shown["amount"], shown["currency"]).minor


def short(identifier: str) -> str:
    """Return the end of an id, which is what tells it from others of the same minute."""
    prefix, _, digits = identifier.partition("_")
    return f"{prefix}_…{digits[-8:]}"


def yuan(amount: int) -> str:
    """Return minor units for people: ¥1,234.50."""
    sign = "-" if amount < 0 else ""
    whole, cents = divmod(abs(amount), 100)
    return f"{sign}¥{whole:,}.{cents:02d}"


def fee_of(amount: int, merchant: Person) -> int:
    """Return the fee in minor units as the contract with a merchant has it: rate, half up."""
    return int((amount * merchant.fee_rate).quantize(Decimal(1), ROUND_HALF_UP))


def _broken(what: str, answer: Answer) -> StoryBroken:
    said = answer.content.decode(errors="replace")
    return StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)


def _says_much(value: object) -> bool:
    return not isinstance(value, bool | dict | list | bytes)


def _show(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
