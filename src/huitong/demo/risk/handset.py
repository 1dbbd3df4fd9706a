"""Somebody's telephone: it logs in from a place, keeps its device, and pays."""

import re
import ssl
from typing import Any, Final

from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken, money
from huitong.demo.onboarding.operator import Operator

_CODE: Final = re.compile("[0-9]{6}")
# Making one reads all certificates of the machine, which takes longer than a call.
_TLS: Final = ssl.create_default_context()


class Handset:
    """Calls the platform from an address, as a stranger or with a session."""

    def __init__(self, operator: Operator, mobile: str, *, address: str) -> None:
        """Take the number whose messages can be read here, and where it is used."""
        self.mobile = mobile
        self._operator = operator
        self._address = address
        self._device_token: str | None = None
        self._client = self._connect(None)
        self._calls = 0

    @property
    def calls(self) -> int:
        """How many calls were made from here."""
        return self._calls + self._client.calls

    def move(self, address: str) -> None:
        """Go somewhere else; a session stays behind."""
        self._address = address
        self._use(None)

    def carry(self, token: str) -> None:
        """Carry a token from now on: of a sign-up, say."""
        self._use(token)

    def log_in(self) -> Answer:
        """Prove the number by a code, and carry the session if one is opened."""
        self._use(None)
        sent = self._client.post("/v1/identity/codes", {"mobile": self.mobile})
        if not sent.is_success:
            return sent
        code = _CODE.search(self._operator.read_phone(self.mobile))
        if code is None:
            raise StoryBroken("The message has no code", retryable=False)
        device = {} if self._device_token is None else {"token": self._device_token}
        opened = self._client.post(
            "/v1/identity/sessions/by-code",
            {"code_id": sent.body["id"], "code": code[0], "device": device},
        )
        if opened.is_success:
            self._device_token = opened.body.get("device_token") or self._device_token
            self._use(opened.body["token"])
        return opened

    def pay(self, payer: str, payee: str, amount: int, *, step_up: str | None = None) -> Answer:
        """Pay an amount in minor units from one account to another."""
        body = {"payer": payer, "payee": payee, "amount": money(amount)}
        if step_up is not None:
            body["step_up"] = step_up
        return self._client.post("/v1/payments", body)

    def set_pin(self, pin: str) -> Answer:
        """Set the PIN that proves payments, just after logging in."""
        return self._client.put("/v1/identity/pin", {"pin": pin})

    def prove(self, payer: str, payee: str, amount: int, *, pin: str) -> str | None:
        """Prove by PIN that a payment is wanted; returns the step-up, None if that was refused."""
        act = {"kind": "payments.pay", "payer": payer, "payee": payee, "amount": money(amount)}
        asked = self._client.post("/v1/identity/step-ups", {"act": act, "factor": "pin"})
        if not asked.is_success:
            return None
        path = f"/v1/identity/step-ups/{asked.body['id']}"
        proved = self._client.post(f"{path}/proof", {"pin": pin})
        return str(asked.body["id"]) if proved.is_success else None

    def post(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Ask for something to be done, whatever comes back."""
        return self._client.post(path, body)

    def put(self, path: str, body: dict[str, Any]) -> Answer:
        """Set something, whatever comes back."""
        return self._client.put(path, body)

    def get(self, path: str, **query: str | int) -> Answer:
        """Read something, whatever comes back."""
        return self._client.get(path, **query)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _use(self, token: str | None) -> None:
        self._calls += self._client.calls
        self._client.close()
        self._client = self._connect(token)

    def _connect(self, token: str | None) -> Client:
        return Client(self._operator.trial.url, token, address=self._address, context=_TLS)
