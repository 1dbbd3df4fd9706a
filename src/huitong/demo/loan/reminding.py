"""The scene of reminders: a message by itself, and calls by a member of staff, within the rules."""

import time
from typing import Any, Final

from huitong.demo.day import StoryBroken
from huitong.demo.loan.branch import Branch

#: On which day past due the story looks at the loan.
LATE_DAYS: Final = 5
_WAIT_SECONDS_MAX: Final = 120.0
_POLL_SECONDS: Final = 0.5
_TEXTS: Final = {
    "text_zh": "您的贷款已逾期 {days} 天，应还 {amount}。如有困难请告诉我们。",
    "text_en": "Your loan is {days} days overdue, {amount}. Tell us if you cannot pay.",
}


def agree_on_strategy(branch: Branch) -> None:
    """Two members of staff agree on what is done about loans that are late."""
    steps = [
        {"day": LATE_DAYS, "channel": channel, "is_automatic": channel == "sms", **_TEXTS}
        for channel in ("sms", "call")
    ]
    asked = branch.credit.do(
        "/v1/loan-collections/strategies",
        {
            "purpose": "business",
            "name_zh": "逾期提醒",
            "name_en": "Late loans",
            "effective_from": branch.now().date().isoformat(),
            "before_due": [],
            "segments": [{"code": "late", "days_min": 1, "steps": steps}],
            "reason": "decided in the committee",
        },
    )
    branch.checker.approve(asked)
    known = branch.credit.read("/v1/loan-collections/strategies/business")["data"]
    branch.day.check("催收策略上线 the strategy", [each["version"] for each in known], [1])


def remind(branch: Branch) -> None:
    """One message went out by itself; calls are counted, and the fourth of a day is refused."""
    day = branch.day
    day.stage.scene("依规提醒", "Reminded, within the rules")
    day.stage.tell(
        "短信自动发出；一天最多三个电话，22 点到 8 点不打扰，不告诉第三方",
        "A message by itself; three calls a day at most, none from 22 to 8, nothing to others",
    )
    sent = _wait_for_message(branch)
    day.stage.aside(f"短信 message: {sent['text_zh']}")
    day.check("提醒渠道 sent by", (sent["channel"], sent["outcome"]), ("sms", "sent"))
    task = branch.credit.do("/v1/loan-collections/tasks/next")["task"]
    day.check("坐席任务 the task is of this loan", task["loan"], branch.loan)
    path = f"/v1/loan-collections/tasks/{task['id']}/contacts"
    for call in range(1, 4):
        made = branch.credit.do(path, {})
        day.check("第几次 call of the day", made["nth"], call)
        branch.credit.do(
            f"/v1/loan-collections/contacts/{made['id']}/outcome", {"outcome": "no_answer"}
        )
    fourth = branch.credit.try_to_do(path, {})
    day.check("第四次被拒 the fourth is refused", fourth.code, "loan_collection_contact_refused")
    seen = branch.credit.read(f"/v1/loan-collections/cases/{task['case']}")
    day.check("坐席看到 staff see", (seen["case"]["days"], "*" in seen["name"]), (LATE_DAYS, True))
    day.stage.aside(f"案件 case: {seen['name']}, {seen['mobile']}, {seen['case']['segment']}")
    contacts = _read_contacts(branch)
    day.check("借款人都看得到 the borrower sees all", len(contacts), 4)


def _wait_for_message(branch: Branch) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        contacts = _read_contacts(branch)
        if contacts:
            return contacts[0]
        time.sleep(_POLL_SECONDS)
    raise StoryBroken("Nobody was reminded. Does a worker run?", retryable=False)


def _read_contacts(branch: Branch) -> list[dict[str, Any]]:
    contacts: list[dict[str, Any]] = branch.owner.read(f"/v1/loans/{branch.loan}/contacts")[
        "contacts"
    ]
    return contacts
