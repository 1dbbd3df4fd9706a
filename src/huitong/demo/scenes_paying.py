"""Scenes in which money comes in and is paid: top-ups, transfers, codes, checkout."""

from typing import Any

from huitong.demo.cast import Cast
from huitong.demo.day import Day, Person, fee_of, minor, money, short, yuan
from huitong.demo.pictures import decode_png, draw_text, read_code


def check_paid(
    day: Day, order: dict[str, Any], payer: Person, payee: Person, amount: int
) -> dict[str, Any]:
    """Check a paid order against what was wanted, book it, and return it."""
    fee = fee_of(amount, payee)
    shown = {name: order[name] for name in ("status", "payer", "payee", "amount", "fee")}
    expected = {
        "status": "succeeded",
        "payer": payer.account,
        "payee": payee.account,
        "amount": money(amount),
        "fee": money(fee),
    }
    cost = f"（手续费 fee {yuan(fee)}）" if fee else ""
    day.check(
        f"{payer.name} → {payee.name} {yuan(amount)}{cost} {short(order['id'])}", shown, expected
    )
    payer.posted -= amount
    payee.posted += amount - fee
    return order


def top_up(day: Day, cast: Cast) -> None:
    """Money comes in through the bank channel, which answers later."""
    day.stage.scene("充值", "Topping up through the bank channel")
    day.stage.tell("银行的答复稍后才到：先“处理中”，再“成功”。", "The bank answers later.")
    asked = []
    for person, amount in (
        (cast.li_lei, day.some(180_000, 220_000)),
        (cast.han_meimei, day.some(30_000, 40_000)),
        (cast.qiao_san, 120_000),
    ):
        order = day.do("/v1/top-ups", {"account": person.account, "amount": money(amount)})
        asked.append((person, amount, order))
    day.check(
        "银行未答复前余额为零 nothing before the bank's answer", asked[-1][2]["status"], "pending"
    )
    for person, amount, order in asked:
        settled = day.wait_for_payment(order["id"])
        day.check(f"{person.name} +{yuan(amount)}", settled["status"], "succeeded")
        person.posted += amount
    day.tie()


def transfer(day: Day, cast: Cast) -> None:
    """Transfers by account and by mobile number."""
    day.stage.scene("转账", "Transfers")
    amount = day.some(5_000, 9_000)
    day.stage.tell("按账号转账", "By account number")
    body = {"payer": cast.li_lei.account, "payee": cast.han_meimei.account, "amount": money(amount)}
    check_paid(
        day,
        day.do("/v1/payments", {**body, "description": "午饭 AA"}),
        cast.li_lei,
        cast.han_meimei,
        amount,
    )
    amount = day.some(1_000, 3_000)
    day.stage.tell("按手机号转账", "By mobile number")
    body = {
        "payer": cast.han_meimei.account,
        "payee_mobile": cast.li_lei.mobile,
        "amount": money(amount),
    }
    check_paid(day, day.do("/v1/payments", body), cast.han_meimei, cast.li_lei, amount)
    day.tie()


def pay_static_code(day: Day, cast: Cast) -> None:
    """The sticker at the till: the payer names the amount."""
    day.stage.scene("扫静态收款码", "A static merchant code")
    code = day.do(f"/v1/merchants/{cast.tea_house.id}/codes", {"kind": "static"})
    scanned = scan(day, code, "茶铺柜台上的收款码\nThe sticker at the till")
    asked = day.do("/v1/codes/read", {"payload": scanned})
    day.check("码中的商户 it names", asked["merchant_name"], cast.tea_house.name)
    day.check("金额由付款方填写 it has no amount", asked["amount"] is None, True)
    amount = day.some(1_800, 4_800)
    body = {
        "payer": cast.li_lei.account,
        "code": code["id"],
        "amount": money(amount),
        "description": "龙井一壶",
    }
    check_paid(day, day.do("/v1/payments", body), cast.li_lei, cast.tea_house, amount)
    day.stage.tell("静态码每日限额 500 元：", "Static codes are capped at 500 yuan a day:")
    body = {"payer": cast.li_lei.account, "code": code["id"], "amount": money(49_000)}
    day.refused("/v1/payments", body, code="day_limit_exceeded")
    day.tie()


def pay_dynamic_code(day: Day, cast: Cast) -> None:
    """A code for one order with its amount."""
    day.stage.scene("扫动态收款码", "A dynamic merchant code")
    amount = day.some(6_000, 9_900)
    code = day.do(
        f"/v1/merchants/{cast.market.id}/codes",
        {"kind": "dynamic", "amount": money(amount), "reference": f"dynamic-{day.run}"},
    )
    scanned = scan(day, code, f"一单一码 {yuan(amount)}\nOne order, one code")
    asked = day.do("/v1/codes/read", {"payload": scanned})
    day.check("码中的金额 it carries the amount", yuan(minor(asked["amount"])), yuan(amount))
    order = day.do(f"/v1/checkouts/{asked['payment']}/pay", {"payer": cast.han_meimei.account})
    check_paid(day, order, cast.han_meimei, cast.market, amount)
    day.refused(
        f"/v1/checkouts/{asked['payment']}/pay",
        {"payer": cast.li_lei.account},
        code="order_already_paid",
    )
    day.tie()


def collect_by_code(day: Day, cast: Cast) -> None:
    """The customer shows a code that works once, within a minute."""
    day.stage.scene("付款码", "The customer shows a one-time code")
    code = day.do(f"/v1/customers/{cast.han_meimei.id}/payment-codes")
    day.stage.tell(
        f"韩梅梅出示付款码 {code['code']}，60 秒内有效，只能用一次。", "Valid for 60 s, once."
    )
    amount = day.some(1_500, 3_500)
    body = {
        "merchant": cast.tea_house.id,
        "code": code["code"],
        "amount": money(amount),
        "reference": f"collect-{day.run}",
    }
    check_paid(day, day.do("/v1/collections", body), cast.han_meimei, cast.tea_house, amount)
    again = {**body, "reference": f"collect-again-{day.run}"}
    day.refused("/v1/collections", again, code="code_used")
    day.tie()


def check_out(day: Day, cast: Cast) -> dict[str, Any]:
    """An order in an app, paid; and another one, closed. Returns the paid one."""
    day.stage.scene("收银台", "Checkout orders")
    amount = day.some(20_000, 30_000)
    body = {
        "merchant": cast.market.id,
        "amount": money(amount),
        "reference": f"basket-{day.run}",
        "description": "一篮山货",
    }
    order = day.do("/v1/checkouts", body)
    day.check(f"待付款 {short(order['id'])}", order["status"], "created")
    paid = day.do(f"/v1/checkouts/{order['id']}/pay", {"payer": cast.li_lei.account})
    check_paid(day, paid, cast.li_lei, cast.market, amount)
    other = day.do("/v1/checkouts", {**body, "reference": f"regret-{day.run}"})
    closed = day.do(f"/v1/checkouts/{other['id']}/close")
    day.check(f"顾客改主意，订单关闭 closed {short(other['id'])}", closed["status"], "closed")
    day.refused(
        f"/v1/checkouts/{other['id']}/pay",
        {"payer": cast.li_lei.account},
        code="order_status_conflict",
    )
    day.tie()
    return paid


def scan(day: Day, code: dict[str, Any], caption: str) -> str:
    """Show a code's picture, read it back as a phone would, and return what it says."""
    payload: str = code["payload"]
    pixels = decode_png(day.client.get(f"/v1/codes/{code['id']}.png").content)
    day.stage.picture(draw_text(pixels), f"{caption}\n\n{code['id']}\n\n{payload}")
    seen = read_code(pixels)
    if seen is None:
        day.stage.note(True, "（未安装识别库，直接使用码文 no reader installed, the text is used）")
        return payload
    day.check("拍照识别与码文一致 the picture reads as the payload", seen == payload, True)
    return seen
