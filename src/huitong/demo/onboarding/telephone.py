"""The customer's own telephone: it holds a number, gets messages, and calls the platform itself."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken
from huitong.demo.onboarding.operator import Operator

_CODE: Final = re.compile("[0-9]{6}")


class Telephone:
    """Calls the platform as a stranger, then with the token of a sign-up or of a session."""

    def __init__(self, operator: Operator, mobile: str) -> None:
        """Take the number whose messages arrive here."""
        self.mobile = mobile
        self._operator = operator
        self._url = operator.trial.url
        self._clients = [Client(self._url, None)]
        # Passkeys belong to a site, by its name and not by its number.
        self.authenticator = SoftwareAuthenticator(
            origin=f"http://localhost:{urlsplit(self._url).port}"
        )

    @property
    def calls(self) -> int:
        """How many calls were made from here."""
        return sum(client.calls for client in self._clients)

    def use(self, token: str) -> None:
        """Carry a token from now on."""
        self._clients.append(Client(self._url, token))

    def forget(self) -> None:
        """Carry no token any more."""
        self._clients.append(Client(self._url, None))

    def ask_code(self) -> tuple[dict[str, str], str]:
        """Have a code sent; returns the body that proves the number, and the message."""
        sent = self.do("/v1/identity/codes", {"mobile": self.mobile})
        message = self._operator.read_phone(self.mobile)
        code = _CODE.search(message)
        if code is None:
            raise StoryBroken("The message has no code", retryable=False)
        return {"code_id": sent["id"], "code": code[0]}, message

    def do(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Have something done and return the answer; raises StoryBroken if it was not done."""
        return _expect(f"POST {path}", self._clients[-1].post(path, body))

    def read(self, path: str) -> dict[str, Any]:
        """Read something and return it; raises StoryBroken."""
        return _expect(f"GET {path}", self._clients[-1].get(path))

    def try_to_do(self, path: str, body: dict[str, Any]) -> Answer:
        """Ask for something to be done, whatever comes back."""
        return self._clients[-1].post(path, body)

    def send_file(self, path: str, content: bytes, media_type: str, **query: str | int) -> Answer:
        """Send a file, whatever comes back."""
        return self._clients[-1].send_file(path, content, media_type, **query)

    def try_to_read(self, path: str) -> Answer:
        """Ask for something, whatever comes back."""
        return self._clients[-1].get(path)

    def put(self, path: str, body: dict[str, Any]) -> Answer:
        """Set something of one's own, whatever comes back."""
        return self._clients[-1].put(path, body)

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.close()


def _expect(what: str, answer: Answer) -> dict[str, Any]:
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"{what} was answered with {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
