"""Scenes of the data: a consent taken back, a copy, the deletion, the key destroyed at last."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from huitong.demo.day import StoryBroken, money, short, yuan
from huitong.demo.onboarding.journey import Journey
from huitong.kernel.errors import Refusal

_PURPOSE: Final = "marketing"
_GLIMPSE_LINES: Final = 30
_BYTES_SHOWN: Final = 24


def take_back_consent(journey: Journey) -> None:
    """A consent lets a purpose read; taken back, the next read is refused."""
    day, path = journey.day, f"{journey.privacy_path}/consents"
    day.stage.scene("撤回", "A consent, given and taken back")
    texts = {each["purpose"]: each for each in day.read("/v1/privacy/consent-texts")["data"]}
    text = texts[_PURPOSE]
    day.stage.aside(f"「{text['text']['zh']}」")
    given = {"purpose": _PURPOSE, "version": text["version"], "channel": "app"}
    day.check("同意 given", day.do(path, given)["is_given"], True)
    day.check("营销可读 marketing may read", _read_for_marketing(journey), "opened")
    taken = day.do(f"{path}/withdraw", {"purpose": _PURPOSE, "channel": "app"})
    day.check("撤回 taken back", taken["is_given"], False)
    day.check("营销即刻不可读 no more", _read_for_marketing(journey), "consent_missing")


def fetch_copy(journey: Journey) -> None:
    """A copy of everything, which can be fetched once."""
    day, person = journey.day, journey.applicant
    day.stage.scene("副本", "A copy of everything")
    request = day.do(f"{journey.privacy_path}/requests", {"kind": "copy"})
    path = f"{journey.privacy_path}/requests/{request['id']}/download"
    day.check("副本已备好 the copy is ready", journey.wait_for_request(request["id"]), "done")
    exported = day.do(path)["content"]
    own = exported["rooms"]["customers"]
    day.stage.text(_glimpse(exported["rooms"]), "json")
    day.check("是本人的姓名 the own name", own["name"], person.specimen.name)
    day.check("手机号完整 the whole number", own["mobile"], person.mobile)
    items = own["application"]["items"]
    day.check("身份证号完整 the whole ID number", items["id_number"], person.specimen.number)
    again = day.client.post(path)
    day.check("只能取一次 fetched once", again.code, "export_gone")


def delete(journey: Journey) -> None:
    """Not while money is there; then the account closes and the data is only stored."""
    day, customer = journey.day, journey.customer
    day.stage.scene("删除", "The deletion")
    request = day.do(f"{journey.privacy_path}/requests", {"kind": "delete"})
    _approve(journey, request["id"])
    day.check("有余额，删不得 not with money there", _state_of(journey, request["id"]), "blocked")
    order = day.do(
        "/v1/withdrawals", {"account": customer.account, "amount": money(customer.posted)}
    )
    settled = day.wait_for_payment(order["id"])
    day.check(f"余额提现 {yuan(customer.posted)}", settled["status"], "succeeded")
    customer.posted = 0
    _approve(journey, request["id"])
    state = journey.wait_for_request(request["id"])
    day.check(f"删除请求 the request {short(request['id'])}", state, "done")
    closed = day.read(f"/v1/customers/{customer.id}")
    day.check("账户已注销 the account is closed", closed["closed_at"] is not None, True)
    until = journey.operator.find_last_day(customer.id)
    day.stage.tell(
        f"反洗钱法要求身份资料再存十年，至 {until}：只存储，不使用。",
        "The law keeps identity records ten years: only stored.",
    )
    day.check("营销不可读 no use", _read_for_marketing(journey), "processing_restricted")


def destroy(journey: Journey) -> None:
    """Ten years on, the key is destroyed; what is left in the tables opens for nobody."""
    day, operator, customer = journey.day, journey.operator, journey.customer
    day.stage.scene("销毁", "Ten years on")
    before = operator.take_sealed_name(customer.id)
    day.stage.tell("库中的姓名是密文：", "The name as it lies in the database:")
    day.stage.aside(f"{before.sealed[:_BYTES_SHOWN].hex(' ')} … {len(before.sealed)} B")
    opened = operator.open_sealed_name(customer.id, before.sealed)
    day.check("此刻还能打开 it still opens", opened, journey.applicant.specimen.name)
    last = date.fromisoformat(operator.find_last_day(customer.id))
    after = datetime.combine(last + timedelta(days=1), time(12), tzinfo=UTC)
    day.stage.tell(f"把本演示的时钟拨到 {after:%Y-%m-%d}", "The clock of this demo, put forward.")
    operator.destroy_people_due(after)
    left = operator.take_sealed_name(customer.id)
    day.check("密文还在 the ciphertext is there", left.sealed == before.sealed, True)
    day.check("密钥已无 the key is gone", left.wrapped_key is None, True)
    outcome = _try_to_open(journey, left.sealed)
    day.check("用平台的密钥 with our own keys", outcome, "data_destroyed")
    tried, successes = operator.try_other_keys(customer.id, left.sealed)
    day.check("库中还有别人的密钥 others have keys", tried > 0, True)
    day.check(f"{tried} 把都打不开 opened by how many of {tried}", successes, 0)
    shown = day.read(f"/v1/customers/{customer.id}")
    is_unknown = shown["name"] is None and shown["mobile"] is None
    day.check("平台不再知道是谁 nobody knows who", is_unknown, True)
    day.check("账目仍在 the books stay", shown["account"], customer.account)


def _read_for_marketing(journey: Journey) -> str:
    """Read the name as a program that works for marketing does; return what came of it."""
    operator, customer = journey.operator, journey.customer
    sealed = operator.take_sealed_name(customer.id).sealed
    try:
        operator.open_sealed_name(customer.id, sealed, purpose=_PURPOSE)
    except Refusal as refusal:
        return refusal.code
    return "opened"


def _try_to_open(journey: Journey, sealed: bytes) -> str:
    try:
        return journey.operator.open_sealed_name(journey.customer.id, sealed)
    except Refusal as refusal:
        return refusal.code


def _approve(journey: Journey, request_id: str) -> None:
    finished = journey.operator.run("privacy", "approve", request_id)
    said = (finished.stdout + finished.stderr).strip()
    journey.day.stage.text(f"$ huitong privacy approve {short(request_id)}\n{said}", "console")
    if finished.returncode != 0:
        raise StoryBroken("The command failed", retryable=False)


def _state_of(journey: Journey, request_id: str) -> str:
    requests: list[dict[str, Any]] = journey.day.read(f"{journey.privacy_path}/requests")["data"]
    (state,) = (str(each["state"]) for each in requests if each["id"] == request_id)
    return state


def _glimpse(rooms: dict[str, Any]) -> str:
    lines = json.dumps({"rooms": rooms}, ensure_ascii=False, indent=2).splitlines()
    more = len(lines) - _GLIMPSE_LINES
    return "\n".join([*lines[:_GLIMPSE_LINES], f"… {more} 行 more lines"] if more > 0 else lines)
