"""Models of risk over HTTP: one asks, another one decides, and payments feel it."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.api.test_risk_routes import once, seat
from tests.risk.decisioning.models.conftest import make_training_data

from huitong import risk
from huitong.kernel.ids import MODEL, read_id, show_id, uuid7
from huitong.risk.fraud.training import train_fraud_model

#: What the model of these tests learned to be large, in minor units.
LARGE = 100_000


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict[str, str]]:
    """Sessions of this module by name: second factors are good once."""
    return {}


@dataclass
class Two:
    """Two members of staff, and how one decides on what the other asked for."""

    maker: dict[str, str]
    checker: dict[str, str]
    staff: Any

    async def agree(self, asked: httpx.Response) -> None:
        assert asked.status_code == 202, asked.text
        own = await self.staff.decide(asked, self.maker)
        assert (own.status_code, own.json()["code"]) == (403, "own_request")
        decided = await self.staff.decide(asked, self.checker)
        assert decided.status_code == 200, decided.text


@pytest.fixture
async def two(staff: Any, signed_in: dict[str, dict[str, str]]) -> Two:
    maker, checker = [await seat(staff, signed_in, name) for name in ("risk_maker", "risk_checker")]
    return Two(maker, checker, staff)


@pytest.fixture
def maker(two: Two) -> dict[str, str]:
    return two.maker


@pytest.fixture(scope="module")
def trained() -> risk.TrainedModel:
    return train_fraud_model(make_training_data(large=LARGE), seed=1)


async def register(api: Any, model: risk.TrainedModel) -> str:
    found = await api.run(lambda uow: risk.register_model(uow, model=model, now=datetime.now(UTC)))
    return show_id(MODEL, found.id)


async def ask(
    client: httpx.AsyncClient, headers: dict[str, str], model: str, status: str
) -> httpx.Response:
    return await client.post(
        f"/v1/risk/models/{model}/status",
        json={"status": status, "reason": "measured"},
        headers=once(headers),
    )


async def pay(api: Any, post: Any, amount: str) -> Any:
    bodies = [
        {"name": name, "mobile": f"13{uuid.uuid4().int % 10**9:09d}", "account_class": 3}
        for name in ("甲", "乙")
    ]
    payer, payee = [(await post("/v1/customers", body)).json()["account"] for body in bodies]
    await api.fund(payer, 5_000_000)
    return await post(
        "/v1/payments",
        {"payer": payer, "payee": payee, "amount": {"amount": amount, "currency": "CNY"}},
    )


async def test_a_model_is_registered_shown_and_decides_when_two_agreed(
    anonymous: httpx.AsyncClient,
    api: Any,
    post: Any,
    two: Two,
    trained: risk.TrainedModel,
) -> None:
    maker = two.maker
    model = await register(api, trained)
    listed = await anonymous.get("/v1/risk/models", params={"purpose": "payment"}, headers=maker)
    assert [each["id"] for each in listed.json()["data"]] == [model]
    shown = (await anonymous.get(f"/v1/risk/models/{model}", headers=maker)).json()
    assert (shown["status"], shown["is_out_of_use"], shown["alarms"]) == ("shadow", False, [])
    assert shown["card"] == trained.card
    assert shown["metrics"] == trained.metrics
    paid = await pay(api, post, "1800.00")
    assert paid.status_code == 201, paid.text

    await two.agree(await ask(anonymous, maker, model, "champion"))
    shown = (await anonymous.get(f"/v1/risk/models/{model}", headers=maker)).json()
    assert shown["status"] == "champion"

    # The process hears of it by itself.
    for _ in range(100):
        refused = await pay(api, post, "1800.00")
        if refused.status_code != 201:
            break
        await asyncio.sleep(0.1)
    assert (refused.status_code, refused.json()["code"]) == (422, "payment_blocked")
    decision = refused.json()["context"]["decision"]
    record = (await anonymous.get(f"/v1/risk/decisions/{decision}", headers=maker)).json()
    assert record["action"] == "block"
    assert record["scoring"]["model"] == model
    assert record["scoring"]["score"] > 0.95
    assert record["scoring"]["action"] == "block"
    assert record["scoring"]["fallback"] is None
    assert record["replay"] == {"action": "block", "is_same": True}
    assert record["reasons"][0] == {
        "code": "amount_large",
        "zh": "金额较大。",
        "en": "The amount is large.",
    }
    assert (await pay(api, post, "10.00")).status_code == 201

    await two.agree(await ask(anonymous, maker, model, "retired"))
    again = await ask(anonymous, maker, model, "champion")
    assert (again.status_code, again.json()["code"]) == (409, "model_status_conflict")


async def test_a_later_champion_must_have_been_tried(
    anonymous: httpx.AsyncClient, api: Any, maker: dict[str, str], trained: risk.TrainedModel
) -> None:
    model = await register(api, trained)
    refused = await ask(anonymous, maker, model, "champion")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_untried")
    assert refused.json()["field"] == "status"


async def test_a_model_that_is_out_of_use_is_used_again_when_two_agreed(
    anonymous: httpx.AsyncClient,
    api: Any,
    two: Two,
    trained: risk.TrainedModel,
) -> None:
    maker = two.maker
    model = await register(api, trained)
    path = f"/v1/risk/models/{model}/reuse"
    body = {"reason": "the holidays are over"}
    early = await anonymous.post(path, json=body, headers=once(maker))
    assert (early.status_code, early.json()["code"]) == (409, "model_not_out")
    await api.run(
        lambda uow: uow.execute(
            "INSERT INTO risk.model_alarms (id, model_id, cause, details, raised_at) "
            "VALUES (:id, :model, 'drift', '{}', :now)",
            id=uuid7(),
            model=read_id(MODEL, model, field="model"),
            now=datetime.now(UTC),
        )
    )
    assert (await anonymous.get(f"/v1/risk/models/{model}", headers=maker)).json()["is_out_of_use"]
    await two.agree(await anonymous.post(path, json=body, headers=once(maker)))
    shown = (await anonymous.get(f"/v1/risk/models/{model}", headers=maker)).json()
    assert not shown["is_out_of_use"]
    assert shown["alarms"][0]["cleared_at"] is not None


async def test_measures_are_shown_and_unknown_models_refused(
    anonymous: httpx.AsyncClient, api: Any, maker: dict[str, str], trained: risk.TrainedModel
) -> None:
    model = await register(api, trained)
    await api.run(
        lambda uow: uow.execute(
            """
            INSERT INTO risk.model_weeks (model_id, week_on, role, decisions, labelled, frauds,
                alerts, caught, average_precision, precision_as_trained, measured_at)
            VALUES (:model, '2026-11-09', 'shadow', 100, 5, 4, 6, 3, 0.5, 0.6, :now)
            """,
            model=read_id(MODEL, model, field="model"),
            now=datetime.now(UTC),
        )
    )
    shown = (await anonymous.get(f"/v1/risk/models/{model}/measures", headers=maker)).json()
    assert shown["drift"] == []
    (week,) = shown["weeks"]
    assert (week["week_on"], week["role"]) == ("2026-11-09", "shadow")
    assert (week["precision"], week["recall"]) == (0.5, 0.75)
    unknown = f"mdl_{uuid7().hex}"
    for path in (unknown, f"{unknown}/measures"):
        refused = await anonymous.get(f"/v1/risk/models/{path}", headers=maker)
        assert (refused.status_code, refused.json()["code"]) == (404, "model_not_found")
    refused = await ask(anonymous, maker, unknown, "champion")
    assert refused.status_code == 404
    wrong = await ask(anonymous, maker, model, "emperor")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "status")
