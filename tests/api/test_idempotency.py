"""A command is done once for each key, and its answer is given again, byte for byte."""

import asyncio
import itertools
import uuid
from typing import Any

import httpx

_numbers = itertools.count(13800000001)


def new_customer() -> dict[str, Any]:
    return {"name": "李雷", "mobile": str(next(_numbers)), "account_class": 2}


async def test_a_replay_gets_the_identical_bytes_and_does_nothing(api: Any, post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    first = await post("/v1/customers", good, key=key)
    assert first.status_code == 201, first.text
    before = await api.count()
    second = await post("/v1/customers", good, key=key)
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert await api.count() == before


async def test_a_refusal_is_replayed_too(api: Any, post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    await post("/v1/customers", good)
    first = await post("/v1/customers", good, key=key)
    assert (first.status_code, first.json()["code"]) == (409, "mobile_taken")
    before = await api.count()
    second = await post("/v1/customers", good, key=key)
    assert (second.status_code, second.content) == (409, first.content)
    assert second.headers["content-type"] == "application/problem+json"
    assert await api.count() == before


async def test_the_same_key_for_another_request_is_refused(api: Any, post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    await post("/v1/customers", good, key=key)
    before = await api.count()
    other = await post("/v1/customers", new_customer(), key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert other.json()["field"] == "Idempotency-Key"
    assert await api.count() == before


async def test_two_callers_may_use_the_same_key(api: Any, post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    await post("/v1/customers", good, key=key)
    headers = {"Authorization": f"Bearer {await api.make_key()}", "Idempotency-Key": key}
    async with httpx.AsyncClient(base_url=api.url, headers=headers) as other:
        response = await other.post("/v1/customers", json=new_customer())
    assert response.status_code == 201


async def test_many_at_once_are_done_once(api: Any, post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    before = await api.count()
    answers = await asyncio.gather(*(post("/v1/customers", good, key=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await api.count())["customers.customers"] == before["customers.customers"] + 1


async def test_a_request_that_was_invalid_does_not_use_up_its_key(post: Any) -> None:
    good, key = new_customer(), uuid.uuid4().hex
    bad = await post("/v1/customers", {**good, "mobile": "1"}, key=key)
    assert bad.status_code == 422
    good = await post("/v1/customers", good, key=key)
    assert good.status_code == 201
