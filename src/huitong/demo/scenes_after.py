"""Scenes about what comes after a payment, about saying no, and about the end of the day."""

from itertools import accumulate
from typing import Any

from huitong.demo.cast import Cast
from huitong.demo.day import Day, Person, fee_of, minor, money, short, yuan
from huitong.demo.scenes_paying import check_paid


def authorise(day: Day, cast: Cast) -> None:
    """Hold money, take a part of it; and hold again and let go."""
    day.stage.scene("预授权", "Authorise, capture, void")
    held = 20_000
    taken = day.some(12_000, 18_000)
    body = {
        "payer": cast.li_lei.account,
        "merchant": cast.tea_house.id,
        "amount": money(held),
    }
    order = day.do("/v1/authorisations", body)
    cast.li_lei.held += held
    day.check(f"冻结 held {yuan(held)} {short(order['id'])}", order["status"], "pending")
    day.tie()
    captured = day.do(f"/v1/authorisations/{order['id']}/capture", {"amount": money(taken)})
    cast.li_lei.held -= held
    check_paid(day, captured, cast.li_lei, cast.tea_house, taken)
    other = day.do("/v1/authorisations", body)
    voided = day.do(f"/v1/authorisations/{other['id']}/void")
    day.check(f"撤销，全额解冻 voided {short(other['id'])}", voided["status"], "closed")
    day.tie()


def share(day: Day, cast: Cast, order: dict[str, Any]) -> list[int]:
    """The market passes parts of a receipt on; returns what the farm and the tea house got."""
    day.stage.scene("分账", "Profit sharing")
    amount = minor(order["amount"])
    parts = [amount * 60 // 100, amount * 10 // 100]
    receivers = [cast.farm, cast.tea_house]
    day.do(
        f"/v1/payments/{order['id']}/shares",
        {
            "receivers": [
                {"account": person.account, "amount": money(part)}
                for person, part in zip(receivers, parts, strict=True)
            ]
        },
    )
    for person, part in zip(receivers, parts, strict=True):
        cast.market.posted -= part
        person.posted += part
        day.stage.note(True, f"平遥集市 → {person.name} {yuan(part)}")
    too_much = {"receivers": [{"account": cast.farm.account, "amount": money(amount)}]}
    day.refused(f"/v1/payments/{order['id']}/shares", too_much, code="share_exceeds_remainder")
    day.tie()
    return parts


def refund(day: Day, cast: Cast, order: dict[str, Any], parts: list[int]) -> None:
    """Refund a shared payment in part and then in full, and no fen more."""
    day.stage.scene("退款", "Refunds: in part, in full, never more")
    amount = minor(order["amount"])
    path = f"/v1/payments/{order['id']}/refunds"
    first = day.some(amount // 5, amount // 2)
    for part, status in ((first, "partly_refunded"), (amount - first, "refunded")):
        made = day.do(path, {"amount": money(part), "reason": "山货不新鲜"})
        day.check(f"退款 refunded {short(made['id'])}", yuan(minor(made["amount"])), yuan(part))
        found = day.read(f"/v1/payments/{order['id']}")
        day.check("订单状态 order", found["status"], status)
        cast.li_lei.posted += part
    # In the end everybody is where they were before the payment: fee and shares came back too.
    cast.market.posted += sum(parts) - amount + fee_of(amount, cast.market)
    cast.farm.posted -= parts[0]
    cast.tea_house.posted -= parts[1]
    day.stage.tell("手续费与分账款一并退回。", "Fee and shares came back as well.")
    day.tie()
    day.refused(path, {"amount": money(1)}, code="refund_exceeds_payment")


def refuse(day: Day, cast: Cast) -> None:
    """Two clear refusals: an overdraft by one fen, and the cap of a class-I account."""
    day.stage.scene("拒绝", "Two clear refusals")
    one_too_many = cast.han_meimei.posted - cast.han_meimei.held + 1
    day.stage.tell("韩梅梅想多付一分钱：", "Han Meimei wants to pay one fen more than she has:")
    body = {
        "payer": cast.han_meimei.account,
        "payee": cast.li_lei.account,
        "amount": money(one_too_many),
    }
    day.refused("/v1/payments", body, code="insufficient_funds")
    day.stage.tell(
        "乔三的 I 类账户累计限额 1,000 元，余额 1,200 元：",
        "Qiao San's class-I account may pay 1,000 yuan in all:",
    )
    body = {
        "payer": cast.qiao_san.account,
        "payee": cast.tea_house.account,
        "amount": money(100_001),
    }
    day.refused("/v1/payments", body, code="total_limit_exceeded")
    order = day.do("/v1/payments", {**body, "amount": money(100_000)})
    check_paid(day, order, cast.qiao_san, cast.tea_house, 100_000)
    day.tie()


def ask_again(day: Day, cast: Cast) -> None:
    """The same request five times moves money once."""
    day.stage.scene("幂等", "Asked five times, paid once")
    amount = day.some(500, 900)
    body = {
        "payer": cast.li_lei.account,
        "payee": cast.han_meimei.account,
        "amount": money(amount),
    }
    key = day.next_key()
    answers = [day.client.post("/v1/payments", body, key=key) for _ in range(5)]
    are_alike = len({each.content for each in answers}) == 1
    day.check("五次答复逐字节相同 all five answers are alike", are_alike, True)
    check_paid(day, answers[0].body, cast.li_lei, cast.han_meimei, amount)
    other = day.client.post("/v1/payments", {**body, "amount": money(amount + 1)}, key=key)
    day.stage.problem(other.body)
    day.check("同键异文被拒 same key, other content", other.code, "idempotency_key_reused")
    day.tie()


def withdraw(day: Day, cast: Cast) -> None:
    """The tea house takes its money to the bank."""
    day.stage.scene("提现", "A withdrawal through the bank channel")
    amount = cast.li_lei.posted // 2
    order = day.do("/v1/withdrawals", {"account": cast.li_lei.account, "amount": money(amount)})
    day.check("处理中，金额先冻结 pending, held first", order["status"], "pending")
    settled = day.wait_for_payment(order["id"])
    day.check(f"李雷 → 银行 {yuan(amount)}", settled["status"], "succeeded")
    cast.li_lei.posted -= amount
    day.tie()


def close_books(day: Day, cast: Cast) -> None:
    """Li Lei's statement, and the trial balance of the whole platform."""
    day.stage.scene("日终", "The end of the day")
    _read_statement(day, cast.li_lei)
    for book in day.read("/v1/ledger/trial-balance")["data"]:
        day.stage.table(
            f"试算平衡表 Trial balance {book['currency']}",
            (("科目", "left"), ("名称", "left"), ("借方", "right"), ("贷方", "right")),
            [
                (line["chart_code"], f"{line['name_zh']} {line['name']}", *_show_sides(line))
                for line in book["lines"]
            ],
        )
        debits, credits_ = _show_sides(book)
        day.check("借贷相等 debits = credits", debits, credits_)
        day.check("试算平衡 tied", book["is_tied"], True)


def _read_statement(day: Day, person: Person) -> None:
    lines = day.read(f"/v1/accounts/{person.account}/statement", limit=50)["data"][::-1]
    day.stage.table(
        f"{person.name}的对账单 Statement",
        (("#", "right"), ("摘要", "left"), ("What", "left"), ("金额", "right"), ("余额", "right")),
        [_show_line(line) for line in lines],
    )
    balances = list(accumulate(_signed(line) for line in lines))
    shown = [minor(line["balance_after"]) for line in lines]
    day.check("逐行滚存 every line adds up", shown == balances, True)
    day.check("末行余额 last balance", yuan(shown[-1]), yuan(person.posted))


def _show_line(line: dict[str, Any]) -> tuple[str, str, str, str, str]:
    signed = _signed(line)
    return (
        str(line["line"]),
        line["description_zh"],
        line["description"],
        f"{'+' if signed > 0 else ''}{yuan(signed)}",
        yuan(minor(line["balance_after"])),
    )


def _signed(line: dict[str, Any]) -> int:
    return minor(line["amount"]) * (1 if line["side"] == "credit" else -1)


def _show_sides(book: dict[str, Any]) -> tuple[str, str]:
    return (yuan(minor(book["debits"])), yuan(minor(book["credits"])))
