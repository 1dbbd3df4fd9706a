"""The last scenes: the cases that came of it, one of them closed, and the incident."""

import time
from typing import Any, Final

from huitong.demo.day import Day, StoryBroken
from huitong.demo.risk.attacks.scraper import Scraped
from huitong.demo.staff import Member

_WAIT_SECONDS_MAX: Final = 60.0
_POLL_SECONDS: Final = 0.5
_ENUMERATION: Final = "enumeration"
_NOTE: Final = "the customers were called back: nobody wanted these payments"


def find_case(member: Member, account: str) -> dict[str, Any]:
    """Return the open case in which an account takes part; raises StoryBroken."""
    deadline = time.monotonic() + _WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        for case in member.read("/v1/risk/cases")["data"]:
            alerts = member.read(f"/v1/risk/cases/{case['id']}/alerts")["data"]
            if any(each["id"] == account for alert in alerts for each in alert["participants"]):
                return dict(case)
        time.sleep(_POLL_SECONDS)
    raise StoryBroken(f"No case has {account}", retryable=False)


def work_on_case(day: Day, member: Member, account: str) -> None:
    """Take the case of an account, look at its graph, and close it as fraud."""
    day.stage.scene("案件", "The case that came of it")
    path = f"/v1/risk/cases/{find_case(member, account)['id']}"
    member.do(f"{path}/assign")
    case = member.read(path)
    graph = member.read(f"{path}/graph")
    kinds = [node["kind"] for node in graph["nodes"] if node["is_of_case"]]
    day.stage.table(
        f"案件 {case['id'][:12]}…",
        (("", "left"), ("", "left")),
        [
            ("优先级 priority", str(case["priority"])),
            ("警报 alerts", str(case["alerts"])),
            ("涉及金额 at risk", ", ".join(each["amount"] for each in case["at_risk"])),
            ("参与方 participants", _count(kinds)),
            ("关系 links", _count([edge["type"] for edge in graph["edges"]])),
        ],
    )
    closed = member.do(
        f"{path}/close", {"outcome": "fraud", "note": _NOTE, "alerts_seen": case["alerts"]}
    )
    day.check("认定为欺诈，成为标签 fraud, and its labels", closed["outcome"], "fraud")


def show_incident(day: Day, member: Member, scraped: Scraped) -> None:
    """Show what the platform did about the scraper by itself."""
    rows = [(outcome, str(times)) for outcome, times in scraped.outcomes.most_common()]
    day.stage.table("抓取请求 Requests", (("答复 Answer", "left"), ("次数 Times", "right")), rows)
    incidents = member.read("/v1/operations/incidents")["data"]
    found = [each for each in incidents if each["kind"] == _ENUMERATION]
    day.check("生成事件 an incident was opened", len(found), 1)
    whole = member.read(f"/v1/operations/incidents/{found[0]['id']}")
    day.stage.aside(f"{whole['title_zh']} {whole['title_en']}: {whole['evidence']}")
    actions = [action["kind"] for action in whole["actions"]]
    day.check("密钥被自动封停 the key was blocked", "block" in actions, True)


def _count(names: list[str]) -> str:
    return ", ".join(f"{name} ×{names.count(name)}" for name in sorted(set(names)))
