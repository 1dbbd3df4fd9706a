"""Scenes on the customer's own telephone: the session, a passkey, and a payment proved by PIN."""

from typing import Any, Final

from huitong.demo.day import money, short, yuan
from huitong.demo.onboarding.journey import Journey
from huitong.demo.onboarding.telephone import Telephone
from huitong.demo.scenes_paying import check_paid

_KEY_NAME: Final = "软件密钥 software key"
_PIN: Final = "802753"
_PAID: Final = 2_000
_NEEDS_PROOF: Final = frozenset({"day_limit_exceeded", "payment_needs_step_up"})


def log_in(journey: Journey) -> None:
    """The sign-up becomes a session, a passkey is registered, and opens the next session."""
    day, customer, phone = journey.day, journey.customer, journey.phone
    day.stage.scene("登录", "Logging in with a passkey")
    day.stage.tell("开户时验证过的号码直接登录", "The number that was proved opens a session")
    opened = phone.do("/v1/identity/sessions/by-sign-up", {"token": journey.sign_up_token})
    phone.use(opened["token"])
    again = phone.try_to_do("/v1/identity/sessions/by-sign-up", {"token": journey.sign_up_token})
    day.check("同一凭证只用一次 the token is used up", again.code, "log_in_refused")
    options = phone.do("/v1/identity/passkeys/options")
    made = phone.do(
        "/v1/identity/passkeys",
        {
            "challenge_id": options["challenge_id"],
            "credential": phone.authenticator.create(options["public_key"]),
            "name": _KEY_NAME,
        },
    )
    day.check(f"登记通行密钥 registered {short(made['id'])}", made["name"], _KEY_NAME)
    day.check("设置支付密码 set a PIN", phone.put("/v1/identity/pin", {"pin": _PIN}).status, 204)
    phone.forget()
    session = _log_in_by_passkey(phone)
    day.check("凭通行密钥登录 logged in by passkey", "token" in session, True)
    phone.use(session["token"])
    own = phone.read(f"/v1/customers/{customer.id}")
    day.check("看得到自己的账户 sees the own account", own["account"], customer.account)
    others = phone.try_to_read(f"/v1/merchants/{day.people[-1].id}")
    day.check("看不到别人的 and nobody else's", others.status, 403)


def pay_alone(journey: Journey) -> None:
    """A payment from the telephone itself is refused without a proof, and made with the PIN."""
    day, customer, phone = journey.day, journey.customer, journey.phone
    day.stage.scene("付款", "Paying from the telephone")
    tea_house = day.people[-1]
    act = {"payer": customer.account, "payee": tea_house.account, "amount": money(_PAID)}
    day.stage.tell(f"付 {yuan(_PAID)}，当日已超单因素限额", "More than one factor may pay in a day")
    refused = phone.try_to_do("/v1/payments", act)
    # The cap of one factor says no, or risk does first.
    day.check("不验证不付 refused without a proof", refused.code in _NEEDS_PROOF, True)
    asked = {"act": {"kind": "payments.pay", **act}, "factor": "pin"}
    step_up = phone.do("/v1/identity/step-ups", asked)
    phone.do(f"/v1/identity/step-ups/{step_up['id']}/proof", {"pin": _PIN})
    check_paid(
        day,
        phone.do("/v1/payments", {**act, "step_up": step_up["id"]}),
        customer,
        tea_house,
        _PAID,
    )
    reused = phone.try_to_do("/v1/payments", {**act, "step_up": step_up["id"]})
    day.check("验证只用一次 a proof pays once", reused.code, "step_up_refused")
    day.tie()


def _log_in_by_passkey(phone: Telephone) -> dict[str, Any]:
    asked = phone.do("/v1/identity/passkey-challenges")
    body = {
        "challenge_id": asked["challenge_id"],
        "credential": phone.authenticator.get(asked["public_key"]),
    }
    return phone.do("/v1/identity/sessions/by-passkey", body)
