"""The scenes of the loan's beginning: decided in a moment, the cost read, signed, and paid."""

from datetime import timedelta
from typing import Any, Final

from huitong.demo.day import minor, short, yuan
from huitong.demo.loan.branch import Branch
from huitong.demo.loan.opening import PRODUCT, SALES
from huitong.demo.loan.reports import clean_report

#: In minor units, and months.
AMOUNT: Final = 8_000_00
PAYMENTS: Final = 6
#: A decision may take at most so long; over HTTP, with the bureau asked on the way.
_DECIDED_MS_MAX: Final = 5_000


def apply(branch: Branch) -> None:
    """The owner applies; rules, the table, score and price decide while the telephone waits."""
    day, owner = branch.day, branch.owner
    day.stage.scene("申请", "The shop owner applies")
    number = owner.applicant.specimen.number
    branch.tell_bureau(number, clean_report(branch.now().date()))
    owner.log_in()
    path = owner.fill(PRODUCT, amount=AMOUNT, payments=PAYMENTS, income=sum(SALES))
    early = owner.phone.post(f"{path}/submission")
    day.check("未授权不查征信 no report without consent", early.code, "consent_missing")
    owner.agree_to_report()
    day.stage.tell(
        f"借 {yuan(AMOUNT)}，分 {PAYMENTS} 期，进货", "For stock, in six monthly payments"
    )
    decided, took = owner.hand_in(path)
    day.check("结论 decision", decided["stage"], "offered")
    day.check(f"{took} 毫秒内决定 decided in {took} ms", took < _DECIDED_MS_MAX, True)
    branch.application = decided["id"]
    _show_grounds(branch, decided)


def read_and_sign(branch: Branch) -> None:
    """The cost is shown for as long as it must be; then exactly this contract is signed."""
    day, owner = branch.day, branch.owner
    day.stage.scene("读成本，签合同", "Reading the cost, signing")
    path = f"/v1/loan-applications/{branch.application}"
    statement = owner.do(f"{path}/cost-statement")
    _show_cost(branch, statement)
    digest = {"sha256": statement["sha256"]}
    early = owner.phone.post(f"{path}/reading", digest)
    day.check("没读够不能签 too early", early.code, "cost_statement_not_read")
    branch.clock.put_forward(timedelta(seconds=statement["reading_seconds"]))
    read = owner.do(f"{path}/reading", digest)
    day.check(f"读满 {statement['reading_seconds']} 秒 read", read["stage"], "offered")
    contract = owner.read(f"{path}/contract")
    body = {"sha256": contract["sha256"]}
    unproved = owner.phone.post(f"{path}/signature", body)
    day.check("签字要再验证一次 one more factor", unproved.code, "step_up_required")
    step_up = owner.prove_contract(contract["sha256"], read["offer"]["amount"])
    signed = owner.do(f"{path}/signature", body | {"step_up": step_up})
    day.check("签字即放款 signed and paid", signed["stage"], "lent")
    day.stage.aside(f"合同 contract SHA-256 {contract['sha256'][:16]}…  {short(signed['loan'])}")
    branch.loan = signed["loan"]
    owner.person.posted += minor(read["offer"]["amount"])
    day.tie()


def _show_grounds(branch: Branch, decided: dict[str, Any]) -> None:
    day, offer = branch.day, decided["offer"]
    history = branch.credit.read(f"/v1/loan-applications/{branch.application}/history")["data"]
    records = next(each["details"] for each in history if each["step"] == "decided")["records"]
    day.check("记录了每一步依据 each ground is on record", records.keys() >= _GROUNDS, True)
    score = records["score"]
    day.stage.table(
        "决定的依据 What it rests on",
        (("", "left"), ("", "right")),
        [
            ("评分 points", str(score["points"])),
            ("等级 grade", offer["grade"]),
            ("年利率 rate a year", offer["rate"]),
            ("可借 offered", yuan(minor(offer["amount"]))),
            ("核实的月收入 income verified", yuan(int(score["features"]["monthly_income"]))),
        ],
    )
    income = score["features"]["monthly_income"]
    day.check("收入按流水核实 income by what came in", int(income), sum(SALES))


_GROUNDS: Final = frozenset({"decision", "loan_eligibility", "score", "loan_price"})


def _show_cost(branch: Branch, statement: dict[str, Any]) -> None:
    day = branch.day
    interest = sum(minor(each["interest"]) for each in statement["payments"])
    principal = sum(minor(each["principal"]) for each in statement["payments"])
    day.check("本金之和 principal parts", principal, AMOUNT)
    day.check("总成本 total cost", minor(statement["total_cost"]), interest)
    day.stage.table(
        "综合融资成本 What it costs all in all",
        (("项目 Item", "left"), ("金额 Amount", "right"), ("年化 A year", "right")),
        [
            (
                each["kind"],
                "逾期才收 if late" if each["amount"] is None else yuan(minor(each["amount"])),
                each["rate"],
            )
            for each in statement["items"]
        ],
    )
    day.stage.aside(
        f"年化（单利 nominal）{statement['nominal_rate']}，"
        f"（内部收益率 effective）{statement['effective_rate']}"
    )
