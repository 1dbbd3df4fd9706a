"""The scene of the portfolio: what all loans come to as the day closed, and what may be lost."""

from huitong.demo.day import minor, yuan
from huitong.demo.loan.branch import Branch


def show_portfolio(branch: Branch) -> None:
    """Staff look at the portfolio while the loan is late: class, stage, loss and provision."""
    day = branch.day
    day.stage.scene("贷款组合", "The loan portfolio")
    seen = branch.credit.read("/v1/loan-portfolio")
    day.stage.table(
        f"{seen['as_of']}，五级分类 by class",
        (("分类 Class", "left"), ("笔数 Loans", "right"), ("拨备 Provision", "right")),
        [
            (
                f"{each['name_zh']} {each['name_en']}",
                str(each["loans"]),
                yuan(minor(each["provision"])),
            )
            for each in seen["classes"]
        ],
    )
    total = seen["total"]
    day.check("组合里的贷款 loans in the portfolio", total["loans"], 1)
    loan = branch.credit.read(f"/v1/loans/{branch.loan}")
    day.check("拨备与贷款一致 provision", minor(total["provision"]), minor(loan["provision"]))
    loss = minor(total["expected_loss"])
    day.check("拨备不低于预期损失 at least the loss", minor(total["provision"]) >= loss > 0, True)
    day.stage.aside(f"图表 charts: {branch.operator.trial.url}/portfolio")
