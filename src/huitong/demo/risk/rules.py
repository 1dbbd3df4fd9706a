"""The scene in which two members of staff bring the default rules live."""

import time
from datetime import date
from typing import Any, Final

from huitong.demo.day import Day, StoryBroken
from huitong.demo.risk.town import Town
from huitong.demo.staff import Member

_PURPOSES: Final = ("payment", "log_in")
_WAIT_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.3
#: Until all processes have learned of a change.
NEWS_SECONDS: Final = 1.5
_WHY: Final = "read the back-test"


def go_live(day: Day, town: Town, maker: Member, checker: Member) -> None:
    """Save the default rules, test them over what is stored, and set them live by two people."""
    day.stage.scene("规则上线", "Rules go live")
    day.stage.tell("一人提出，回测，另一人批准", "One proposes, a back-test, another one approves")
    for purpose in _PURPOSES:
        set_live(day, maker, checker, purpose, today=town.now().date())
    time.sleep(NEWS_SECONDS)


def set_live(day: Day, maker: Member, checker: Member, purpose: str, *, today: date) -> None:
    """Save the default rules of a purpose, test them, and set them live by two people."""
    version = maker.do("/v1/risk/rules/defaults", {"purpose": purpose})
    path = f"/v1/risk/rules/{version['id']}"
    maker.do(f"{path}/shadow")
    run = maker.do(f"{path}/backtests", {"days": 7})
    tested = _wait(maker, f"/v1/risk/backtests/{run['id']}")
    day.check(f"回测 back-test ({purpose})", tested["state"], "done")
    body = {"digest": version["digest"], "effective_from": today.isoformat(), "reason": _WHY}
    refused = maker.try_to_do(f"{path}/live", {**body, "digest": "0" * 64})
    day.check("内容不符被拒 another text is refused", refused.is_success, False)
    checker.approve(maker.do(f"{path}/live", body))
    live = maker.read(path)
    day.check(f"{len(live['rules'])} 条规则 rules, {purpose}", live["state"], "live")


def _wait(member: Member, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        found = member.read(path)
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(_POLL_SECONDS)
    raise StoryBroken(f"{path} does not end", retryable=False)
