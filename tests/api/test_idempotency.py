"""A command is done once for each key, and its answer is given again, byte for byte."""

import asyncio
from typing import Any

import httpx

GOOD = {"name": "李雷", "mobile": "13800000001", "account_class": 2}


async def test_a_replay_gets_the_identical_bytes_and_does_nothing(api: Any, post: Any) -> None:
    first = await post("/v1/customers", GOOD, key="one")
    assert first.status_code == 201, first.text
    before = await api.count()
    second = await post("/v1/customers", GOOD, key="one")
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert await api.count() == before


async def test_a_refusal_is_replayed_too(api: Any, post: Any) -> None:
    await post("/v1/customers", GOOD)
    first = await post("/v1/customers", GOOD, key="again")
    assert (first.status_code, first.json()["code"]) == (409, "mobile_taken")
    before = await api.count()
    second = await post("/v1/customers", GOOD, key="again")
    assert (second.status_code, second.content) == (409, first.content)
    assert second.headers["content-type"] == "application/problem+json"
    assert await api.count() == before


async def test_the_same_key_for_another_request_is_refused(api: Any, post: Any) -> None:
    await post("/v1/customers", GOOD, key="one")
    before = await api.count()
    other = await post("/v1/customers", {**GOOD, "mobile": "13800000002"}, key="one")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert other.json()["field"] == "Idempotency-Key"
    assert await api.count() == before


async def test_two_callers_may_use_the_same_key(api: Any, post: Any) -> None:
    await post("/v1/customers", GOOD, key="one")
    headers = {"Authorization": f"Bearer {await api.make_key()}", "Idempotency-Key": "one"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers) as other:
        response = await other.post("/v1/customers", json={**GOOD, "mobile": "13800000002"})
    assert response.status_code == 201


async def test_many_at_once_are_done_once(api: Any, post: Any) -> None:
    answers = await asyncio.gather(*(post("/v1/customers", GOOD, key="race") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await api.count())["customers.customers"] == 1


async def test_a_request_that_was_invalid_does_not_use_up_its_key(post: Any) -> None:
    bad = await post("/v1/customers", {**GOOD, "mobile": "1"}, key="one")
    assert bad.status_code == 422
    good = await post("/v1/customers", GOOD, key="one")
    assert good.status_code == 201
