"""Checks at the simulated registries over a real socket: answers by rule, and every fault."""

import asyncio
import base64
import hashlib
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric

from huitong.customers import (
    SIMULATED_SECRET,
    BankCardQuestion,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    HttpRegistry,
    IdentityQuestion,
    LivenessQuestion,
    MobileQuestion,
    RegistrySimulator,
    Trouble,
    decide,
)
from huitong.demo.specimens import make_specimen
from huitong.kernel import limits, signing
from huitong.kernel.clock import FixedClock
from huitong.kernel.serving import serve_inside

NOW = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 26)
NUMBER = "11010519491231002X"
CARD = "6216261000000000018"
QUESTION = IdentityQuestion(name="张三", id_number=NUMBER)
PNG = b"\x89PNG\r\n\x1a\n"


class World:
    """The simulator, a client with a short patience, and the clock of both."""

    def __init__(self, simulator, client, url: str, clock: FixedClock) -> None:
        self.simulator, self.client, self.url, self.clock = simulator, client, url, clock

    async def fault(self, kind: str, **more: Any) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.post("/faults", json={"kind": kind, **more})
        assert answer.status_code == 202

    async def ask(self, request_id: uuid.UUID | None = None) -> CheckAnswer:
        return await self.client.check_identity(QUESTION, request_id=request_id or uuid.uuid4())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FixedClock(NOW)
    simulator = RegistrySimulator(clock=clock)
    async with (
        serve_inside(simulator.application()) as url,
        HttpRegistry(url, secret=SIMULATED_SECRET, clock=clock, timeout_seconds=0.4) as client,
    ):
        yield World(simulator, client, url, clock)


async def test_each_kind_of_question_has_an_answer_with_a_reference(world: World) -> None:
    client = world.client
    picture = PNG + b"a face"
    answers = [
        await client.check_identity(QUESTION, request_id=uuid.uuid4()),
        await client.check_identity(
            IdentityQuestion(name="张三", id_number=NUMBER, photo=picture), request_id=uuid.uuid4()
        ),
        await client.check_bank_card(
            BankCardQuestion(card_number=CARD, name="张三"), request_id=uuid.uuid4()
        ),
        await client.check_bank_card(
            BankCardQuestion(card_number=CARD, name="张三", id_number=NUMBER, mobile="13800138000"),
            request_id=uuid.uuid4(),
        ),
        await client.check_mobile(
            MobileQuestion(mobile="13800138000", name="张三", id_number=NUMBER),
            request_id=uuid.uuid4(),
        ),
        await client.check_liveness(LivenessQuestion(picture=picture), request_id=uuid.uuid4()),
    ]
    assert [answer.verdict for answer in answers] == [CheckVerdict.CONSISTENT] * 6
    kinds = [CheckKind.IDENTITY] * 2 + [CheckKind.BANK_CARD] * 2
    assert [answer.kind for answer in answers] == [*kinds, CheckKind.MOBILE, CheckKind.LIVENESS]
    references = {answer.reference for answer in answers}
    assert len(references) == 6
    assert None not in references
    assert world.simulator.billed == 6


@pytest.mark.parametrize(
    ("name", "number", "verdict"),
    [
        ("张三", NUMBER, CheckVerdict.CONSISTENT),
        ("张不符", NUMBER, CheckVerdict.INCONSISTENT),
        ("查无此人", NUMBER, CheckVerdict.NOT_FOUND),
        ("张三", "110105194912310021", CheckVerdict.NOT_FOUND),
    ],
)
async def test_an_answer_follows_the_rules(world: World, name, number, verdict) -> None:
    question = IdentityQuestion(name=name, id_number=number)
    answer = await world.client.check_identity(question, request_id=uuid.uuid4())
    assert answer.verdict is verdict
    assert answer.reference is not None
    assert answer.trouble is None


@settings(deadline=None)
@given(st.integers(0, 100_000))
def test_the_same_person_always_gets_the_same_answer(seed: int) -> None:
    person = make_specimen(seed, today=TODAY)
    asked = {"name": person.name, "id_number": person.number}
    digest = hashlib.sha256(f"identity:{person.number}".encode()).digest()
    share = int.from_bytes(digest[:4]) % 1_000
    expected = CheckVerdict.CONSISTENT
    if share < 20:
        expected = CheckVerdict.INCONSISTENT
    elif share < 30:
        expected = CheckVerdict.NOT_FOUND
    assert decide(CheckKind.IDENTITY, asked, today=TODAY) is expected


def test_about_three_in_a_hundred_do_not_pass() -> None:
    verdicts = []
    for sequence in range(1, 1_000):
        body = f"11010119900101{sequence:03d}"
        asked = {"name": "某", "id_number": body + ric.calc_check_digit(body + "0")}
        verdicts.append(decide(CheckKind.IDENTITY, asked, today=TODAY))
    # Exact: the rule is a digest, so these are always the same ones of 999.
    counts = [verdicts.count(verdict) for verdict in list(CheckVerdict)[:3]]
    assert sum(counts) == 999
    assert 8 <= counts[1] <= 35
    assert 2 <= counts[2] <= 22


@pytest.mark.parametrize(
    ("kind", "more", "trouble"),
    [
        ("late", {"seconds": 1.0}, Trouble.TIMED_OUT),
        ("lost_answer", {}, Trouble.BROKEN),
        ("error", {}, Trouble.BROKEN),
        ("wrong_request", {}, Trouble.OTHER_REQUEST),
        ("forged", {}, Trouble.NOT_AUTHENTIC),
        ("garbage", {}, Trouble.MEANINGLESS),
        ("flood", {}, Trouble.MEANINGLESS),
    ],
)
async def test_trouble_once_is_asked_again_and_twice_is_unavailable(
    world: World, kind: str, more: dict[str, Any], trouble: Trouble
) -> None:
    request_id = uuid.uuid4()
    await world.fault(kind, times=1, **more)
    once = await world.ask(request_id)
    assert (once.verdict, once.attempts) == (CheckVerdict.CONSISTENT, 2)
    assert world.simulator.billed == 1
    await world.fault(kind, times=2, **more)
    twice = await world.ask()
    assert (twice.verdict, twice.trouble) == (CheckVerdict.UNAVAILABLE, trouble)
    assert (twice.reference, twice.attempts) == (None, limits.REGISTRY_ATTEMPTS_MAX)
    # Asked again later with its own id it gets the answer, and is charged once.
    billed = world.simulator.billed
    later = await world.ask(twice.request_id)
    assert later.verdict is CheckVerdict.CONSISTENT
    assert world.simulator.billed <= billed + 1


async def test_a_refusal_is_not_asked_again(world: World) -> None:
    await world.fault("refuse")
    answer = await world.ask()
    assert (answer.verdict, answer.trouble) == (CheckVerdict.UNAVAILABLE, Trouble.REFUSED)
    assert answer.attempts == 1
    assert world.simulator.billed == 0


async def test_a_question_that_arrives_twice_is_charged_once(world: World) -> None:
    await world.fault("twice")
    answer = await world.ask()
    again = await world.ask(answer.request_id)
    assert answer.verdict is CheckVerdict.CONSISTENT
    assert again.reference == answer.reference
    assert world.simulator.billed == 1


async def test_a_late_answer_within_patience_counts(world: World) -> None:
    await world.fault("late", seconds=0.1)
    answer = await world.ask()
    assert (answer.verdict, answer.attempts) == (CheckVerdict.CONSISTENT, 1)


async def test_faults_hit_only_their_kind_and_can_be_ended(world: World) -> None:
    await world.fault("error", on="mobile", times=4)
    assert (await world.ask()).attempts == 1
    async with httpx.AsyncClient(base_url=world.url) as client:
        assert (await client.delete("/faults")).json() == {"faults": 0}
        assert (await client.post("/faults", json={"kind": "dance"})).status_code == 400
        assert (await client.post("/faults", json={"kind": "late", "times": 0})).status_code == 400
        assert (await client.get("/healthz")).json() == {"status": "ok"}
    question = MobileQuestion(mobile="13800138000", name="张三", id_number=NUMBER)
    assert (await world.client.check_mobile(question, request_id=uuid.uuid4())).attempts == 1


async def test_one_id_for_two_questions_is_refused(world: World) -> None:
    first = await world.ask()
    other = IdentityQuestion(name="李四", id_number=NUMBER)
    second = await world.client.check_identity(other, request_id=first.request_id)
    assert (second.verdict, second.trouble) == (CheckVerdict.UNAVAILABLE, Trouble.REFUSED)
    assert world.simulator.billed == 1


async def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clock = FixedClock(NOW)
    async with HttpRegistry(f"http://127.0.0.1:{port}", secret=b"s", clock=clock) as client:
        answer = await client.check_identity(QUESTION, request_id=uuid.uuid4())
    assert (answer.verdict, answer.trouble) == (CheckVerdict.UNAVAILABLE, Trouble.UNREACHABLE)


async def test_an_answer_that_trickles_is_cut_off_as_a_whole() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
        try:
            for _ in range(200):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with HttpRegistry(url, secret=b"s", clock=FixedClock(NOW), timeout_seconds=0.3) as client:
        answer = await client.check_identity(QUESTION, request_id=uuid.uuid4())
    server.close()
    assert answer.trouble is Trouble.TIMED_OUT
    assert loop.time() - start < 5


async def test_a_question_that_is_too_long_is_not_sent(world: World) -> None:
    photo = PNG + bytes(limits.REGISTRY_REQUEST_BYTES_MAX)
    question = IdentityQuestion(name="张三", id_number=NUMBER, photo=photo)
    answer = await world.client.check_identity(question, request_id=uuid.uuid4())
    assert (answer.trouble, answer.attempts) == (Trouble.REFUSED, 0)
    assert world.simulator.received == 0


async def send(world: World, **changed: Any) -> int:
    """Send a signed question with one thing changed after signing; return the status."""
    request_id, body = uuid.uuid4(), b'{"name":"a","id_number":"b"}'
    time = int(world.clock.now().timestamp()) + changed.pop("seconds", 0)
    signature = signing.sign_request(
        changed.pop("secret", SIMULATED_SECRET),
        method="POST",
        path="/v1/checks/identity",
        time=time,
        request_id=request_id,
        body=body,
    )
    headers = {
        signing.TIME_HEADER: str(time),
        signing.REQUEST_HEADER: request_id.hex,
        signing.SIGNATURE_HEADER: signature,
        **changed.pop("headers", {}),
    }
    path = changed.pop("path", "/v1/checks/identity")
    async with httpx.AsyncClient(base_url=world.url) as client:
        content = changed.pop("body", body)
        return (await client.post(path, content=content, headers=headers)).status_code


@pytest.mark.parametrize(
    "changed",
    [
        {"body": b'{"name":"a","id_number":"c"}'},
        {"path": "/v1/checks/liveness"},
        {"secret": b"another"},
        {"headers": {signing.REQUEST_HEADER: uuid.uuid4().hex}},
        {"headers": {signing.REQUEST_HEADER: "no uuid"}},
        {"headers": {signing.TIME_HEADER: "1790000000"}},
        {"headers": {signing.TIME_HEADER: "soon"}},
        {"headers": {signing.SIGNATURE_HEADER: "0" * 64}},
        {"headers": {signing.SIGNATURE_HEADER: ""}},
        {"seconds": limits.REGISTRY_CLOCK_SECONDS_MAX + 1},
        {"seconds": -limits.REGISTRY_CLOCK_SECONDS_MAX - 1},
    ],
)
async def test_what_is_not_signed_as_it_is_sent_is_turned_away(world: World, changed) -> None:
    assert await send(world) == 200
    assert await send(world, **changed) == 401
    assert world.simulator.billed == 1


async def test_a_question_may_be_as_old_as_the_window(world: World) -> None:
    assert await send(world, seconds=-limits.REGISTRY_CLOCK_SECONDS_MAX) == 200


async def test_an_old_recording_is_worth_nothing(world: World) -> None:
    request_id, body = uuid.uuid4(), b'{"name":"a","id_number":"b"}'
    time = int(NOW.timestamp())
    path = "/v1/checks/identity"
    signature = signing.sign_request(
        SIMULATED_SECRET, method="POST", path=path, time=time, request_id=request_id, body=body
    )
    headers = {
        signing.TIME_HEADER: str(time),
        signing.REQUEST_HEADER: request_id.hex,
        signing.SIGNATURE_HEADER: signature,
    }
    async with httpx.AsyncClient(base_url=world.url) as client:
        first = await client.post(path, content=body, headers=headers)
        replayed = await client.post(path, content=body, headers=headers)
        world.clock.advance(timedelta(seconds=limits.REGISTRY_CLOCK_SECONDS_MAX + 1))
        late = await client.post(path, content=body, headers=headers)
    assert (first.status_code, replayed.content, late.status_code) == (200, first.content, 401)
    assert world.simulator.billed == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"name":"a"}', b'{"name":"a","id_number":"b","x":"c"}', b"\xff"]
)
async def test_a_signed_question_that_makes_no_sense_is_refused(world: World, body) -> None:
    request_id, time = uuid.uuid4(), int(NOW.timestamp())
    path = "/v1/checks/identity"
    signature = signing.sign_request(
        SIMULATED_SECRET, method="POST", path=path, time=time, request_id=request_id, body=body
    )
    headers = {
        signing.TIME_HEADER: str(time),
        signing.REQUEST_HEADER: request_id.hex,
        signing.SIGNATURE_HEADER: signature,
    }
    async with httpx.AsyncClient(base_url=world.url) as client:
        assert (await client.post(path, content=body, headers=headers)).status_code == 400
        unknown = await client.post("/v1/checks/horoscope", content=body, headers=headers)
    assert unknown.status_code == 404


def test_questions_show_nobody_in_a_repr_and_know_their_elements() -> None:
    two = BankCardQuestion(card_number=CARD, name="张三")
    three = BankCardQuestion(card_number=CARD, name="张三", id_number=NUMBER)
    four = BankCardQuestion(card_number=CARD, name="张三", id_number=NUMBER, mobile="13800138000")
    assert [question.element_count for question in (two, three, four)] == [2, 3, 4]
    for question in (two, four, QUESTION, LivenessQuestion(picture=PNG)):
        for text in (CARD, "张三", NUMBER, "13800138000", "PNG"):
            assert text not in repr(question)
    with pytest.raises(ValueError, match="identity number"):
        BankCardQuestion(card_number=CARD, name="张三", mobile="13800138000")
    asked = {"picture": base64.b64encode(b"no picture").decode()}
    assert decide(CheckKind.LIVENESS, asked, today=TODAY) is CheckVerdict.NOT_FOUND
    assert decide(CheckKind.LIVENESS, {"picture": "§"}, today=TODAY) is CheckVerdict.NOT_FOUND


async def test_the_command_serves_registries_in_a_process_of_its_own(tmp_path) -> None:
    from huitong.kernel.clock import SystemClock

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "HUITONG_HOME": str(tmp_path),
        "HUITONG_REGISTRY_SECRET": "between us",
    }
    command = [sys.executable, "-m", "huitong.cli", "registry", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        answer = await _ask_until_up(port, b"between us", SystemClock())
        stranger = await _ask_until_up(port, SIMULATED_SECRET, SystemClock())
    finally:
        process.terminate()
        await process.wait()
    assert answer.verdict is CheckVerdict.CONSISTENT
    assert stranger.trouble is Trouble.REFUSED


async def _ask_until_up(port: int, secret: bytes, clock) -> CheckAnswer:
    url = f"http://127.0.0.1:{port}"
    async with HttpRegistry(url, secret=secret, clock=clock) as client:
        for _ in range(200):
            answer = await client.check_identity(QUESTION, request_id=uuid.uuid4())
            if answer.trouble is not Trouble.UNREACHABLE:
                return answer
            await asyncio.sleep(0.1)
    raise AssertionError("the registry never came up")
