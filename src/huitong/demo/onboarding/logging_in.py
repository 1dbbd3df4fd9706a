"""The scene in which the customer logs in: a code once, then a passkey."""

import re
from typing import Any, Final
from urllib.parse import urlsplit

from huitong.demo.authenticator import SoftwareAuthenticator
from huitong.demo.client import Answer, Client
from huitong.demo.day import StoryBroken, short
from huitong.demo.onboarding.journey import Journey

_KEY_NAME: Final = "软件密钥 software key"
_CODE: Final = re.compile("[0-9]{6}")


def log_in(journey: Journey) -> None:
    """The number is proved by a code, a passkey is registered, and opens the next session."""
    day, customer, url = journey.day, journey.customer, journey.operator.trial.url
    day.stage.scene("登录", "Logging in with a passkey")
    journey.operator.open_login(customer.id, customer.mobile)
    # Passkeys belong to a site, by its name and not by its number.
    authenticator = SoftwareAuthenticator(origin=f"http://localhost:{urlsplit(url).port}")
    with Client(url, None) as stranger:
        token = _log_in_by_code(journey, stranger)
        with Client(url, token) as me:
            options = _do(me, "/v1/identity/passkeys/options")
            made = _do(
                me,
                "/v1/identity/passkeys",
                {
                    "challenge_id": options["challenge_id"],
                    "credential": authenticator.create(options["public_key"]),
                    "name": _KEY_NAME,
                },
            )
        day.check(f"登记通行密钥 registered {short(made['id'])}", made["name"], _KEY_NAME)
        session = _log_in_by_passkey(stranger, authenticator)
        day.check("凭通行密钥登录 logged in by passkey", "token" in session, True)
    with Client(url, session["token"]) as me:
        own = me.get(f"/v1/customers/{customer.id}")
        day.check("看得到自己的账户 sees the own account", own.body["account"], customer.account)
        others = me.get(f"/v1/merchants/{day.people[-1].id}")
        day.check("看不到别人的 and nobody else's", others.status, 403)
        day.client.calls += stranger.calls + me.calls


def _log_in_by_code(journey: Journey, stranger: Client) -> str:
    mobile = journey.customer.mobile
    sent = _do(stranger, "/v1/identity/codes", {"mobile": mobile})
    message = journey.operator.read_phone(mobile)
    journey.day.stage.aside(f"短信 text message: {message}")
    code = _CODE.search(message)
    if code is None:
        raise StoryBroken("The message has no code", retryable=False)
    body = {"code_id": sent["id"], "code": code[0]}
    return str(_do(stranger, "/v1/identity/sessions/by-code", body)["token"])


def _log_in_by_passkey(stranger: Client, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    asked = _do(stranger, "/v1/identity/passkey-challenges")
    body = {
        "challenge_id": asked["challenge_id"],
        "credential": authenticator.get(asked["public_key"]),
    }
    return _do(stranger, "/v1/identity/sessions/by-passkey", body)


def _do(client: Client, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer: Answer = client.post(path, body)
    if not answer.is_success:
        said = answer.content.decode(errors="replace")
        raise StoryBroken(f"POST {path} was answered with {answer.status}: {said}", retryable=False)
    found: dict[str, Any] = answer.body
    return found
