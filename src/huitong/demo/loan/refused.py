"""The scene of the second applicant: refused with reasons, and a person looks at it again."""

from typing import Any, Final

from huitong.demo.day import minor, money, yuan
from huitong.demo.loan.branch import Branch
from huitong.demo.loan.opening import PRODUCT, SALES
from huitong.demo.loan.reports import overdue_report

_WISH: Final = 6_000_00
_OFFERED: Final = 2_000_00
_PAYMENTS: Final = 6
_WORDS: Final = "那笔逾期上周已还清，附银行回单。"


def refuse_and_appeal(branch: Branch) -> None:
    """The bureau knows of a late payment: a no with reasons, an appeal, and a smaller yes."""
    day, second = branch.day, branch.second
    day.stage.scene("拒绝与申诉", "A no with reasons, and an appeal")
    number = second.applicant.specimen.number
    branch.tell_bureau(number, overdue_report(branch.now().date()))
    second.log_in()
    path = second.fill(PRODUCT, amount=_WISH, payments=_PAYMENTS, income=sum(SALES))
    second.agree_to_report()
    decided, took = second.hand_in(path)
    day.check(f"结论，{took} 毫秒 decision in {took} ms", decided["stage"], "refused")
    for reason in decided["reasons"]:
        day.stage.aside(f"· {reason['zh']} {reason['en']}")
    codes = [each["code"] for each in decided["reasons"]]
    day.check("说明了理由 told why", "overdue_now" in codes, True)
    day.stage.tell("申请人申诉，由人来看", "An appeal is for a person")
    waiting = second.do(f"{path}/appeal", {"words": _WORDS})
    day.check("转人工 people look at it", waiting["stage"], "review")
    _decide(branch, path, decided)
    offered = second.read(path)
    day.check("人工结论 by a person", offered["is_decided_by_person"], True)
    day.check("少于所求 a counter-offer", offered["is_counter_offer"], True)
    day.check("可借 offered", minor(offered["offer"]["amount"]), _OFFERED)
    second.do(f"{path}/withdrawal")
    again = second.phone.post(f"{path}/appeal", {"words": _WORDS})
    day.check("申请人放弃 they decline", again.code, "loan_application_stage")
    day.tie()


def _decide(branch: Branch, path: str, decided: dict[str, Any]) -> None:
    day, clerk = branch.day, branch.credit
    queue = [each["id"] for each in clerk.read("/v1/loan-applications")["data"]]
    day.check("在员工的队列里 in the queue of staff", queue, [decided["id"]])
    steps = {each["step"]: each["details"] for each in clerk.read(f"{path}/history")["data"]}
    day.check("员工读到申诉 staff read the words", steps["appealed"]["words"], _WORDS)
    offer = {
        "limit": money(_OFFERED),
        "rate": "0.12",
        "reason": "已核对回单，先小额 the receipt was seen",
    }
    clerk.do(f"{path}/offer", offer)
    day.stage.aside(f"信贷员 the officer: {offer['reason']}, {yuan(_OFFERED)}")
