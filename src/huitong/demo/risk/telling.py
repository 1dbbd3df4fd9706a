"""What the screen shows: what was stopped when and why, and what it cost honest customers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from huitong.demo.day import Day, yuan
from huitong.demo.risk.diary import HONEST, Diary, Entry, sum_amounts
from huitong.demo.staff import Member

_PAID: Final = "succeeded"
_HELD: Final = "held"
_ASKED: Final = "asked"
_STATE_WORDS: Final = {
    _PAID: "已付 paid",
    _HELD: "暂扣 held",
    "payment_blocked": "拦截 blocked",
    "payment_needs_step_up": "要求二次验证 asked for a second factor",
    "step_up_required": "要求二次验证 asked for a second factor",
    "day_limit_exceeded": "超过日限额 over the day's cap",
    "201": "已受理 taken",
}
_ACT_WORDS: Final = {"payment": "付款 pays", "asked": "付款 pays", "log_in": "登录 logs in"}
_COLUMNS: Final = (
    ("时间 At", "left"),
    ("行为 Act", "left"),
    ("金额 Amount", "right"),
    ("结果 End", "left"),
)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Which rules held something back, how often, and whether the model asked."""

    rules: Counter[str]
    by_model: int

    def show(self) -> str:
        """Return them in one line, the most frequent first."""
        named = [f"{rule} ×{times}" for rule, times in self.rules.most_common()]
        return ", ".join([*named, *([f"model ×{self.by_model}"] if self.by_model else [])])


def is_through(entry: Entry) -> bool:
    """Say whether money has moved."""
    return entry.outcome == _PAID


def list_reasons(member: Member, entries: Sequence[Entry]) -> Reasons:
    """Look up why each entry that did not pass was held back."""
    rules: Counter[str] = Counter()
    by_model = 0
    for entry in entries:
        decision_id = find_decision(entry)
        if is_through(entry) or decision_id is None:
            continue
        decision = member.read(f"/v1/risk/decisions/{decision_id}")
        rules.update(decision["hits"])
        scoring = decision["scoring"]
        by_model += scoring is not None and scoring["action"] not in (None, "allow")
    return Reasons(rules, by_model)


def find_decision(entry: Entry) -> str | None:
    """Return the id of the decision about an act: of the payment's own number, if it has one."""
    named = entry.body.get("decision") or entry.body.get("attempt")
    if named is not None:
        return str(named).replace("att_", "dec_")
    payment = entry.body.get("id") or entry.body.get("payment")
    return None if payment is None else str(payment).replace("pay_", "dec_")


def tell_attack(day: Day, member: Member, diary: Diary, part: str, *, title: str) -> None:
    """Show every act of an attack, and why it did not go through."""
    entries = diary.of(part)
    alike = groupby(entries, key=lambda entry: (entry.what, entry.amount, entry.outcome))
    day.stage.table(title, _COLUMNS, [_show_alike(list(group)) for _, group in alike])
    reasons = list_reasons(member, entries).show()
    if reasons:
        day.stage.aside(f"原因 why: {reasons}")


def _show_alike(entries: Sequence[Entry]) -> tuple[str, ...]:
    first, last = entries[0], entries[-1]
    times = f" ×{len(entries)}" if len(entries) > 1 else ""
    until = f" – {last.at:%H:%M:%S}" if len(entries) > 1 else ""
    return (
        f"{first.at:%m-%d %H:%M:%S}{until}",
        f"{_ACT_WORDS.get(first.what, first.what)}{times}",
        yuan(first.amount) if first.amount else "",
        _STATE_WORDS.get(first.outcome, first.outcome),
    )


def tell_costs(day: Day, diary: Diary, parts: Sequence[tuple[str, str]]) -> None:
    """Show the money of each attack, tried and through, and what honest customers felt."""
    rows = []
    for part, title in parts:
        payments = [entry for entry in diary.of(part) if entry.what == "payment"]
        through = [entry for entry in payments if is_through(entry)]
        stopped = [at for at, entry in enumerate(payments, start=1) if not is_through(entry)]
        rows.append(
            (
                title,
                f"{len(payments)} / {yuan(sum_amounts(payments))}",
                f"{len(through)} / {yuan(sum_amounts(through))}",
                f"第 {stopped[0]} 笔 no. {stopped[0]}" if stopped else "–",
            )
        )
    day.stage.table(
        "攻击 Attacks",
        (
            ("", "left"),
            ("尝试 Tried", "right"),
            ("得手 Through", "right"),
            ("首次拦下 First stopped", "right"),
        ),
        rows,
    )
    _tell_honest(day, diary)


def _tell_honest(day: Day, diary: Diary) -> None:
    counts = diary.count_outcomes(HONEST)
    honest = diary.of(HONEST)
    paid = sum(entry.what == "payment" for entry in honest)
    asked = sum(entry.what == _ASKED for entry in honest)
    rows = [
        ("付款 payments", str(paid)),
        ("直接成功 went through at once", str(counts[_PAID] - asked)),
        ("多验证一次 asked for one factor more", str(asked)),
        ("暂扣 held", str(counts[_HELD])),
        ("拦截 blocked", str(counts["payment_blocked"])),
    ]
    day.stage.table(
        "对诚实客户的影响 What it cost honest customers", (("", "left"), ("", "right")), rows
    )
