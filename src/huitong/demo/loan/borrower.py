"""Somebody who borrows: with a card, a telephone, an account, and what they ask for."""

import base64
import re
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from huitong.demo.client import Answer
from huitong.demo.day import Day, Person, StoryBroken, money
from huitong.demo.onboarding.applicants import Applicant
from huitong.demo.onboarding.operator import Operator
from huitong.demo.risk.handset import Handset
from huitong.kernel.clock import ShiftedClock
from huitong.privacy import DataKind, mask

ONBOARDING: Final = "/v1/onboarding/applications"
LOAN_APPLICATIONS: Final = "/v1/loan-applications"
_CODE: Final = re.compile("[0-9]{6}")
#: Longer than between two messages to one number.
_PAUSE: Final = timedelta(minutes=2)
_WAIT_SECONDS_MAX: Final = 240.0
_POLL_SECONDS: Final = 0.1
_CHECKED: Final = frozenset({"approved", "refused", "pending_review"})


@dataclass(slots=True)
class Borrower:
    """A customer of the story; everything is asked from their own telephone."""

    day: Day
    operator: Operator
    clock: ShiftedClock
    applicant: Applicant
    phone: Handset
    pin: str
    person: Person = field(default_factory=lambda: Person("", "", ""))

    def do(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done and return the answer; raises StoryBroken if it was not done."""
        return _expect(f"POST {path}", self.phone.post(path, body))

    def read(self, path: str) -> dict[str, Any]:
        """Read something and return it; raises StoryBroken."""
        return _expect(f"GET {path}", self.phone.get(path))

    def open_account(self) -> None:
        """Sign up by telephone with card and face, and add a bank card; raises StoryBroken."""
        sent = self.do("/v1/identity/codes", {"mobile": self.phone.mobile})
        proof = {"code_id": sent["id"], "code": self._read_code()}
        self.phone.carry(self.do("/v1/identity/sign-ups", proof)["token"])
        begun = self.do(ONBOARDING, {"requested_class": 2, "consent": f"demo-{self.day.run}"})
        path = f"{ONBOARDING}/{begun['id']}"
        self.do(f"{path}/person", self.applicant.body())
        for kind, content in self.applicant.pictures.items():
            shown = base64.b64encode(content).decode()
            self.do(f"{path}/pictures", {"kind": kind, "content": shown})
        self.do(f"{path}/submission", {})
        customer = self._wait_for_customer(path)
        self.log_in()
        self.phone.set_pin(self.pin)
        card = {"card_number": self.applicant.cards[0]}
        self.do(f"/v1/customers/{customer}/bank-cards", card)
        found = self.read(f"/v1/customers/{customer}")
        name = mask(DataKind.NAME, self.applicant.specimen.name)
        self.person = Person(name, customer, found["account"], mobile=self.phone.mobile)
        self.day.people.append(self.person)

    def log_in(self) -> None:
        """Open a session by a code; raises StoryBroken."""
        self.clock.put_forward(_PAUSE)
        opened = self.phone.log_in()
        if not opened.is_success:
            raise StoryBroken(f"A log-in was answered with {opened.code}", retryable=False)

    def pay(self, payee: Person, amount: int) -> None:
        """Pay from the telephone, with the PIN; raises StoryBroken if nothing moved."""
        payer = self.person.account
        proof = self.phone.prove(payer, payee.account, amount, pin=self.pin)
        paid = self.phone.pay(payer, payee.account, amount, step_up=proof)
        if not paid.is_success or paid.body["status"] != "succeeded":
            raise StoryBroken(f"A payment was answered with {paid.code}", retryable=False)
        self.person.posted -= amount
        payee.posted += amount

    def agree_to_report(self) -> None:
        """Consent to a credit report."""
        consent = {"purpose": "credit_report_query", "version": 1, "channel": "app"}
        self.do(f"/v1/privacy/customers/{self.person.id}/consents", consent)

    def fill(self, product: str, *, amount: int, payments: int, income: int) -> str:
        """Begin an application and fill it in, amounts in minor units; return its path."""
        begun = self.do(LOAN_APPLICATIONS, {"product": product})
        path = f"{LOAN_APPLICATIONS}/{begun['id']}"
        wish = {"amount": money(amount), "payments": payments, "use": "stock"}
        self.do(f"{path}/details", {"wish": wish, "monthly_income": money(income)})
        return path

    def hand_in(self, path: str) -> tuple[dict[str, Any], int]:
        """Hand an application in; return what became of it and the milliseconds it took."""
        started = time.monotonic()
        decided = self.do(f"{path}/submission")
        return decided, round((time.monotonic() - started) * 1_000)

    def prove_contract(self, sha256: str, amount: dict[str, str]) -> str:
        """Prove by a code that exactly this contract is signed; return the step-up."""
        act = {"kind": "lending.sign", "amount": amount}
        act |= {"payer": self.person.account, "payee": sha256}
        asked = self.do("/v1/identity/step-ups", {"act": act, "factor": "one_time_code"})
        self.do(f"/v1/identity/step-ups/{asked['id']}/proof", {"code": self._read_code()})
        return str(asked["id"])

    def _read_code(self) -> str:
        found = _CODE.search(self.operator.read_phone(self.phone.mobile))
        if found is None:
            raise StoryBroken("The message has no code", retryable=False)
        return found[0]

    def _wait_for_customer(self, path: str) -> str:
        deadline = time.monotonic() + _WAIT_SECONDS_MAX
        while time.monotonic() < deadline:
            found = self.read(path)
            if found["state"] in _CHECKED:
                self.day.check("开户结论 opened", found["state"], "approved")
                return str(found["customer"])
            time.sleep(_POLL_SECONDS)
        raise StoryBroken(f"{path} is not decided. Does a worker run?", retryable=False)


def _expect(what: str, answer: Answer) -> dict[str, Any]:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
