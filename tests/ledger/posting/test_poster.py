"""The poster under attack: overflow, twins, poison, killed backends, lost answers, impatience."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy.engine import URL, make_url

from huitong.kernel.database.statement import Statement
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import LimitExceeded, Refusal
from huitong.kernel.idempotency import IdempotencyKeyReused, ReplyKey, StoredReply
from huitong.ledger import Job, MeterUse, OutcomeUnknown, Poster, QueueFull, Reason, Verdict

POSTED, REPLAYED, REFUSED = Verdict.POSTED, Verdict.REPLAYED, Verdict.REFUSED


def key(text: str, content: bytes = b"a") -> ReplyKey:
    return ReplyKey("partner", text, content.ljust(32, b"."))


@dataclass(eq=False)
class Clerk:
    """A writer that keeps a row of its own for each payment that was newly posted."""

    poison: object = None
    prepared: dict = field(default_factory=dict)

    async def prepare(self, connection, payloads, *, now):
        return [self.prepared[payload] for payload in payloads]

    def answer(self, payload, result):
        body = result.code if isinstance(result, Refusal) else str(result.reason or "paid")
        return StoredReply(200, f"{payload} {body}".encode())

    def list_statements(self, posted, refused):
        if self.poison in posted:
            raise ValueError("a mistake in the room's own code")
        return [
            Statement(
                "INSERT INTO ledger.line_heads (account_id, line, balance) "
                "SELECT n, 1, 1 FROM unnest($1::bigint[]) n",
                (list(posted),),
            )
        ]


class Proxy:
    """A wire to the server that can be cut, or fall silent, when a statement's answer comes."""

    def __init__(self) -> None:
        self.cut_after: bytes | None = None
        self.is_silent = False
        self.cuts = 0
        self.is_open = True

    async def start(self, server: URL) -> int:
        folder = server.query.get("host", server.host)
        port = server.port or 5432
        self._connect = (
            partial(asyncio.open_unix_connection, f"{folder}/.s.PGSQL.{port}")
            if folder.startswith("/")
            else partial(asyncio.open_connection, folder, port)
        )
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._pipes: set[asyncio.Task] = set()
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._pipes.add(task)
        other = None
        try:
            if self.is_open:
                back, other = await self._connect()
                state = {"armed": False}
                await asyncio.gather(
                    self._ask(reader, other, state), self._answer(back, writer, state)
                )
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._pipes.discard(task)
            for each in (writer, other):
                if each is not None:
                    each.transport.abort()

    async def _ask(self, reader, writer, state) -> None:
        while data := await reader.read(65_536):
            if self.cut_after is not None and self.cut_after in data:
                state["armed"] = True
            writer.write(data)
            await writer.drain()
        writer.close()

    async def _answer(self, reader, writer, state) -> None:
        while data := await reader.read(65_536):
            if state["armed"]:
                # The server has done it and said so; the client will never hear it.
                self.cut_after = None
                self.cuts += 1
                if self.is_silent:
                    await asyncio.Event().wait()
                raise ConnectionResetError
            writer.write(data)
            await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def running(database, bench, **settings):
    poster = Poster(database, clock=bench.clock, **{"posters": 1, **settings})
    await poster.start()
    try:
        yield poster
    finally:
        await poster.stop()


@contextlib.asynccontextmanager
async def wired(bench, **settings):
    """A poster that reaches its database through a proxy."""
    proxy = Proxy()
    server = make_url(bench.owner_url)
    port = await proxy.start(server)
    url = server.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    try:
        async with (
            Database(url, role="huitong_app") as database,
            running(database, bench, **settings) as poster,
        ):
            yield proxy, poster
    finally:
        await proxy.stop()


async def settle(futures):
    return await asyncio.wait_for(asyncio.gather(*futures, return_exceptions=True), 60)


async def test_says_at_once_that_the_queue_is_full(bench):
    anna, shop = await bench.open_wallet(100), await bench.open()
    jobs = [Job(request=bench.request(bench.transfer(anna, shop, 1))) for _ in range(4)]
    async with running(bench.database, bench, queue_max=3) as poster:
        futures = [poster.submit(job) for job in jobs[:3]]

        with pytest.raises(QueueFull):
            poster.submit(jobs[3])

        assert [a.outcome.verdict for a in await settle(futures)] == [POSTED] * 3
        assert (await poster.submit(jobs[3])).outcome.verdict is POSTED
    assert await bench.totals(anna) == [(4, 100, 0, 0)]


async def test_leaves_what_a_writer_reserves_to_a_batch_of_its_own(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    made = {
        1: bench.transfer(anna, shop, 1),
        2: bench.hold(anna, shop, 2),
        3: bench.transfer(anna, shop, 3),
        4: bench.hold(anna, shop, 9),
    }
    clerk = Clerk(prepared={number: bench.request(each) for number, each in made.items()})
    async with running(bench.database, bench) as poster:
        jobs = [Job(key=key(f"k{number}"), writer=clerk, payload=number) for number in made]
        answers = await settle([poster.submit(job) for job in jobs])
        again = await poster.submit(Job(key=key("k2"), writer=clerk, payload=2))

    assert [answer.reply.body for answer in answers] == [
        b"1 paid",
        b"2 paid",
        b"3 paid",
        b"4 insufficient_funds",
    ]
    assert again.reply == answers[1].reply
    rows = await bench.owner.fetch("SELECT id, sequence >> 16 AS batch FROM ledger.transfers")
    batches = {row["id"]: row["batch"] for row in rows}
    assert batches[made[1].id] == batches[made[3].id] != batches[made[2].id]
    assert await bench.totals(anna) == [(4, 10, 2, 0)]


async def test_refuses_an_entry_that_is_too_long_for_a_batch(bench):
    anna, shop = await bench.open_wallet(100), await bench.open()
    long = bench.request(*[bench.transfer(anna, shop, 1) for _ in range(1_001)])
    async with running(bench.database, bench) as poster:
        with pytest.raises(LimitExceeded):
            poster.submit(Job(request=long))


async def test_answers_each_caller_with_its_own_outcome(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    first = bench.request(bench.transfer(anna, shop, 6))
    requests = [
        first,
        bench.request(bench.transfer(anna, shop, 6)),
        bench.request(bench.transfer(anna, shop, 4)),
        first,
        bench.request(bench.transfer(anna, anna, 1)),
    ]
    async with running(bench.database, bench) as poster:
        answers = await settle([poster.submit(Job(request=each)) for each in requests])

    assert [a.outcome.reason or a.outcome.verdict for a in answers] == [
        POSTED,
        Reason.INSUFFICIENT_FUNDS,
        POSTED,
        REPLAYED,
        Reason.SAME_ACCOUNT,
    ]
    assert await bench.totals(anna, shop) == [(10, 10, 0, 0), (0, 10, 0, 0)]


async def test_does_one_request_once_however_often_its_key_comes(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    clerk = Clerk()

    def job():
        request = bench.request(bench.transfer(anna, shop, 1))
        return Job(request=request, key=key("k1"), writer=clerk, payload=1)

    async with running(bench.database, bench) as poster:
        in_flight = await settle([poster.submit(job()) for _ in range(3)])
        later = await poster.submit(job())
    async with running(bench.database, bench) as another_process:
        elsewhere = await another_process.submit(job())

    replies = [answer.reply for answer in (*in_flight, later, elsewhere)]
    assert replies == [StoredReply(200, b"1 paid")] * 5
    assert await bench.totals(anna) == [(1, 10, 0, 0)]
    assert await bench.count_journal() == 1


async def test_refuses_a_key_with_other_content_in_flight_and_later(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    clerk = Clerk()

    def job(content):
        request = bench.request(bench.transfer(anna, shop, 1))
        return Job(request=request, key=key("k1", content), writer=clerk, payload=1)

    companion = Job(request=bench.request(bench.transfer(anna, shop, 2)))
    async with running(bench.database, bench) as poster:
        first = poster.submit(job(b"a"))
        with pytest.raises(IdempotencyKeyReused):
            poster.submit(job(b"b"))
        await first

        reused, posted = await settle([poster.submit(job(b"b")), poster.submit(companion)])

    assert isinstance(reused, IdempotencyKeyReused)
    assert posted.outcome.verdict is POSTED
    assert await bench.totals(anna) == [(3, 10, 0, 0)]


async def test_two_posters_with_one_key_at_once_give_one_reply(bench):
    anna, shop = await bench.open_wallet(1_000), await bench.open()
    clerk = Clerk()

    def job(number):
        request = bench.request(bench.transfer(anna, shop, 1))
        return Job(request=request, key=key(f"k{number}"), writer=clerk, payload=number)

    async with (
        running(bench.database, bench) as one,
        running(bench.database, bench) as two,
    ):
        for chunk in range(0, 40, 8):
            numbers = range(chunk, chunk + 8)
            answers = await settle(
                [one.submit(job(n)) for n in numbers]
                + [two.submit(job(n)) for n in reversed(numbers)]
            )
            assert {a.reply.body for a in answers} == {f"{n} paid".encode() for n in numbers}

    assert await bench.totals(anna) == [(40, 1_000, 0, 0)]
    assert await bench.owner.fetchval("SELECT count(*) FROM ledger.line_heads") == 40


async def test_a_caller_that_gives_up_takes_nobody_with_it(bench):
    anna, shop = await bench.open_wallet(10), await bench.open()
    clerk = Clerk()

    def job():
        request = bench.request(bench.transfer(anna, shop, 1))
        return Job(request=request, key=key("k1"), writer=clerk, payload=1)

    async with running(bench.database, bench) as poster:
        first, second, third = poster.submit(job()), poster.submit(job()), poster.submit(job())
        first.cancel()
        second.cancel()

        assert (await third).outcome.verdict is POSTED
    assert await bench.totals(anna) == [(1, 10, 0, 0)]


@pytest.mark.parametrize("poison", ["of a room", "of the database", "of a constraint"])
async def test_a_poisoned_request_does_not_fail_its_companions(bench, poison, log_lines):
    anna, shop = await bench.open_wallet(100), await bench.open()
    clerk = Clerk(poison=5 if poison == "of a room" else None)
    jobs = []
    for number in range(12):
        more = {"code": 99_999} if poison == "of the database" and number == 5 else {}
        payload = 4 if poison == "of a constraint" and number == 5 else number
        request = bench.request(bench.transfer(anna, shop, 1, **more))
        jobs.append(Job(request=request, key=key(f"k{number}"), writer=clerk, payload=payload))
    async with running(bench.database, bench) as poster:
        answers = await settle([poster.submit(job) for job in jobs])
        after = await poster.submit(Job(request=bench.request(bench.transfer(anna, shop, 1))))

    failed = [number for number, answer in enumerate(answers) if isinstance(answer, Exception)]
    assert failed == [5]
    assert [line["event"] for line in log_lines] == ["batch_failed"]
    assert after.outcome.verdict is POSTED
    assert await bench.totals(anna) == [(12, 100, 0, 0)]


async def test_a_refusal_while_preparing_is_only_its_callers(bench):
    anna, shop = await bench.open_wallet(100), await bench.open()
    clerk = Clerk()
    clerk.prepared = {
        1: bench.request(bench.transfer(anna, shop, 1)),
        2: LimitExceeded("too much"),
        3: bench.request(bench.transfer(anna, shop, 3)),
    }
    async with running(bench.database, bench) as poster:
        jobs = [Job(key=key(f"k{n}"), writer=clerk, payload=n) for n in (1, 2, 3)]
        answers = await settle([poster.submit(job) for job in jobs])

    assert [a.reply.body for a in answers] == [b"1 paid", b"2 limit_exceeded", b"3 paid"]
    assert await bench.totals(anna) == [(4, 100, 0, 0)]


@pytest.mark.parametrize("statement", [b"COMMIT", b"post_plain"])
async def test_tells_the_truth_when_the_answer_to_the_commit_is_lost(bench, statement):
    anna, shop = await bench.open_wallet(5), await bench.open()
    clerk = Clerk()
    requests = [bench.request(bench.transfer(anna, shop, 1)) for _ in range(5)]
    too_much = bench.request(bench.transfer(anna, shop, 6))
    async with wired(bench, patience_seconds=20) as (proxy, poster):
        # The first payment prepares the statement, so that only its execution travels later.
        await poster.submit(Job(request=requests[0]))
        proxy.cut_after = statement
        if statement == b"COMMIT":
            jobs = [
                Job(request=request, key=key(f"k{n}"), writer=clerk, payload=n)
                for n, request in enumerate([*requests[1:], too_much])
            ]
            answers = await settle([poster.submit(job) for job in jobs])
            bodies = [answer.reply.body for answer in answers]
            assert bodies == [
                b"0 paid",
                b"1 paid",
                b"2 paid",
                b"3 paid",
                b"4 insufficient_funds",
            ]
        else:
            proxy.cut_after = requests[1].entry.transfers[0].id.bytes
            answers = await settle([poster.submit(Job(request=r)) for r in requests[1:]])
            assert all(answer.outcome.is_posted for answer in answers)
            assert all(answer.outcome.recorded_at is not None for answer in answers)

    assert proxy.cuts == 1
    assert await bench.count_journal() == 5
    assert await bench.totals(anna) == [(5, 5, 0, 0)]


async def test_says_that_it_does_not_know_when_patience_ends(bench):
    anna, shop = await bench.open_wallet(5), await bench.open()
    request = bench.request(bench.transfer(anna, shop, 1))
    async with wired(bench, patience_seconds=0.5) as (proxy, poster):
        proxy.is_open = False

        (answer,) = await settle([poster.submit(Job(request=request))])
        assert isinstance(answer, OutcomeUnknown)

        proxy.is_open = True
        assert (await poster.submit(Job(request=request))).outcome.verdict is POSTED
    assert await bench.totals(anna) == [(1, 5, 0, 0)]


async def test_gives_up_on_a_wire_that_has_gone_silent(bench):
    anna, shop = await bench.open_wallet(5), await bench.open()
    request = bench.request(bench.transfer(anna, shop, 1))
    async with wired(bench, patience_seconds=1.0) as (proxy, poster):
        proxy.is_silent = True
        proxy.cut_after = request.entry.transfers[0].id.bytes

        (answer,) = await settle([poster.submit(Job(request=request))])
        assert isinstance(answer, OutcomeUnknown)

        # It did happen, and asking again with the same identifier tells.
        assert (await poster.submit(Job(request=request))).outcome.verdict is REPLAYED
    assert await bench.totals(anna) == [(1, 5, 0, 0)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_posts_exactly_once_while_its_backends_are_killed(bench, seed):
    chance = random.Random(seed)
    wallets = [await bench.open_wallet(300) for _ in range(4)]
    clerk = Clerk()
    jobs = []
    for number in range(160):
        request = bench.request(bench.transfer(*chance.sample(wallets, 2), chance.randint(1, 60)))
        more = {"key": key(f"k{number}"), "writer": clerk, "payload": number}
        jobs.append(Job(request=request, **(more if number % 2 else {})))

    async def kill(done):
        for _ in range(15):
            await bench.owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                "   AND application_name = 'huitong'"
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), chance.uniform(0.02, 0.3))

    done = asyncio.Event()
    killer = asyncio.create_task(kill(done))
    futures = []
    async with running(bench.database, bench, posters=2, patience_seconds=50) as poster:
        for at in range(0, 160, 8):
            futures += [poster.submit(job) for job in jobs[at : at + 8]]
            await asyncio.sleep(0.01)
        answers = await settle(futures)
        done.set()
        await killer

    assert [a for a in answers if isinstance(a, Exception)] == []
    ids = {row[0] for row in await bench.owner.fetch("SELECT id FROM ledger.transfers")}
    for job, answer in zip(jobs, answers, strict=True):
        stands = job.request.entry.transfers[0].id in ids
        if answer.reply is not None:
            assert answer.reply.body.endswith(b"paid") is stands
        if answer.outcome is not None:
            assert answer.outcome.is_posted is stands
    rows = await bench.owner.fetchval("SELECT count(*) FROM ledger.line_heads")
    assert rows == sum(jobs[n].request.entry.transfers[0].id in ids for n in range(1, 160, 2))
    assert await bench.list_differences(dict.fromkeys(wallets, 300)) == []


async def test_stop_answers_what_is_queued_and_takes_nothing_more(bench):
    anna, shop = await bench.open_wallet(5_000), await bench.open()
    poster = Poster(bench.database, clock=bench.clock, posters=2)
    await poster.start()
    jobs = [Job(request=bench.request(bench.transfer(anna, shop, 1))) for _ in range(2_500)]
    futures = [poster.submit(job) for job in jobs]

    await poster.stop()

    assert all(future.done() for future in futures)
    assert {future.result().outcome.verdict for future in futures} == {POSTED}
    assert await bench.totals(anna) == [(2_500, 5_000, 0, 0)]
    with pytest.raises(QueueFull):
        poster.submit(Job(request=bench.request(bench.transfer(anna, shop, 1))))


async def test_counts_uses_of_an_account_that_does_not_exist_as_a_refusal(bench):
    anna = await bench.open_wallet(5)
    nobody = 100_000_999_999_945
    transfer = bench.transfer(anna, nobody, 1)
    use = MeterUse(account_id=nobody, meter=1, amount=1, on_day=transfer.effective_on)

    (outcome,) = await bench.post_queued(bench.request(transfer, meters=[use]))

    assert (outcome.reason, outcome.account_id) == (Reason.ACCOUNT_NOT_FOUND, nobody)
