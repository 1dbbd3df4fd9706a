"""The demo tells the truth: it passes on a sound platform and fails on a wrong answer."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from rich.console import Console

from huitong.demo.client import Client
from huitong.demo.day import Day, Person, StoryBroken, fee_of, yuan
from huitong.demo.stage import Stage, numeral

Handler = Callable[[httpx.Request], httpx.Response]


def make_day(handler: Handler) -> Day:
    client = Client("http://platform.test", "htk_test")
    client._http = httpx.Client(
        base_url="http://platform.test", transport=httpx.MockTransport(handler)
    )
    return Day(client=client, stage=Stage(Console(file=io.StringIO())), seed=1)


def answer_balance(balance: str, available: str) -> Handler:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(409, json={"code": "insufficient_funds", "status": 409})
        return httpx.Response(
            200,
            json={
                "balance": {"amount": balance, "currency": "CNY"},
                "available": {"amount": available, "currency": "CNY"},
            },
        )

    return handle


def test_balance_that_ties_is_no_difference() -> None:
    day = make_day(answer_balance("10.50", "8.00"))
    day.people = [Person("李雷", "cus_1", "acct_1", posted=1_050, held=250)]
    day.tie()
    assert day.differences == []
    assert day.checks == 1


def test_balance_that_is_one_fen_off_is_a_difference() -> None:
    day = make_day(answer_balance("10.51", "8.01"))
    day.people = [Person("李雷", "cus_1", "acct_1", posted=1_050, held=250)]
    day.tie()
    assert day.differences == ["李雷 (1051, 801) ≠ (1050, 800)"]


def test_refusal_with_another_code_is_a_difference() -> None:
    day = make_day(answer_balance("1.00", "1.00"))
    day.refused("/v1/payments", {}, code="account_frozen")
    assert day.differences == ["拒绝 refused: insufficient_funds, expected account_frozen"]


def test_story_ends_at_an_answer_that_it_cannot_go_on_from() -> None:
    day = make_day(lambda _: httpx.Response(500, json={"code": "internal_error"}))
    with pytest.raises(StoryBroken, match="POST /v1/customers was answered with 500"):
        day.do("/v1/customers", {})


def test_asks_again_with_the_same_key_while_the_platform_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huitong.demo.client._PAUSE_SECONDS", 0.0)
    keys: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) < 3:
            return httpx.Response(503, json={"code": "queue_full"})
        return httpx.Response(201, json={"id": "pay_1"})

    day = make_day(handle)
    assert day.do("/v1/payments", {}) == {"id": "pay_1"}
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_same_seed_tells_the_same_amounts() -> None:
    def amounts() -> list[int]:
        day = make_day(answer_balance("0.00", "0.00"))
        return [day.some(1, 1_000_000) for _ in range(5)]

    assert amounts() == amounts()


@pytest.mark.parametrize(
    ("amount", "rate", "fee"),
    [(8_888, "0.006", 53), (250, "0.006", 2), (249, "0.006", 1), (100, "0", 0), (1, "0.0038", 0)],
)
def test_fee_is_the_rate_rounded_half_up(amount: int, rate: str, fee: int) -> None:
    merchant = Person("商户", "mer_1", "acct_1", fee_rate=Decimal(rate))
    assert fee_of(amount, merchant) == fee


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "¥0.00"), (123_456_789, "¥1,234,567.89"), (-105, "-¥1.05")]
)
def test_shows_yuan_as_people_write_them(amount: int, shown: str) -> None:
    assert yuan(amount) == shown


def test_numbers_scenes_as_chapters_are() -> None:
    assert [numeral(number) for number in (1, 9, 10, 11, 20, 21)] == [
        "一",
        "九",
        "十",
        "十一",
        "二十",
        "二十一",
    ]


def test_plays_the_whole_day_on_a_platform_of_its_own(tmp_path: Any) -> None:
    # One platform for both uses of the command, because starting one takes seconds.
    from huitong.wiring.trial import trial_platform

    with trial_platform(arguments=("--demo",)) as trial:
        finished = trial.run("demo", "--seed", "7")
        assert finished.returncode == 0, finished.stdout + finished.stderr
        assert "账账相符" in finished.stdout
        facts_file = trial.home / "demo.env"
        assert trial.run("demo", "--seed-only").returncode == 0
        first = facts_file.read_text(encoding="utf-8")
        assert trial.run("demo", "--seed-only").returncode == 0
        assert facts_file.read_text(encoding="utf-8") == first
        assert facts_file.stat().st_mode & 0o777 == 0o600
        facts = dict(line.split("=", 1) for line in first.splitlines() if "=" in line)
        balance = httpx.get(
            f"{trial.url}/v1/accounts/{facts['LI_LEI']}/balance",
            headers={"Authorization": f"Bearer {facts['HUITONG_API_KEY']}"},
            trust_env=False,
        )
        assert json.loads(balance.content)["balance"] == {"amount": "1000.00", "currency": "CNY"}
