"""The real ledger on PostgreSQL against a naive one: every answer and every total, step by step.

The naive ledger knows no running totals: it keeps what happened and adds it up anew each time. It
says which refusals would be true, and the real one must give one of them.
"""

import asyncio
import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.ids import uuid7
from huitong.ledger import (
    Entry,
    Job,
    MeterUse,
    Poster,
    Request,
    Transfer,
    TransferKind,
    make_account_number,
)

START = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAYS = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2)]
FORGOTTEN = {"amount_not_positive", "same_account", "expiry_in_past", "id_reused"}
# Stored numbers: limits 0 none, 1 debits <= credits, 2 credits <= debits.
NAMES = ("anna", "boris", "till", "bank", "fees")
LIMITS = {"anna": 1, "boris": 1, "till": 2, "bank": 0, "fees": 0}
CAPS = {"boris": 150}
OPENING = {"anna": (0, 200), "boris": (0, 30), "till": (100, 0), "bank": (0, 0), "fees": (0, 0)}
DAY_MAX, TIMES_MAX, YEAR_MAX = 120, 3, 200


@dataclass
class Naive:
    """What happened, as plain lists."""

    moved: list[tuple[str, str, int]] = field(default_factory=list)
    holds: dict[Any, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    uses: list[tuple[str, date, int]] = field(default_factory=list)

    def totals(self, name: str) -> tuple[int, int, int, int]:
        waiting = [h for h in self.holds.values() if h["end"] is None]
        return (
            OPENING[name][0] + sum(n for debit, _, n in self.moved if debit == name),
            OPENING[name][1] + sum(n for _, credit, n in self.moved if credit == name),
            sum(h["amount"] for h in waiting if h["debit"] == name),
            sum(h["amount"] for h in waiting if h["credit"] == name),
        )

    def apply(self, line: dict[str, Any], now: datetime) -> set[str]:
        """Apply one line; returns the true reasons against it, and changes nothing then."""
        if line["kind"] in ("transfer", "hold"):
            return self._move(line, now)
        return self._resolve(line, now)

    def _move(self, line: dict[str, Any], now: datetime) -> set[str]:
        debit, credit, amount = line["debit"], line["credit"], line["amount"]
        against = set()
        if amount < 1:
            against.add("amount_not_positive")
        if debit == credit:
            against.add("same_account")
        against |= self._states(debit, credit)
        out, into, held, _ = self.totals(debit)
        if LIMITS[debit] == 1 and out + held + amount > into:
            against.add("insufficient_funds")
        gone, come, _, coming = self.totals(credit)
        if LIMITS[credit] == 2 and come + coming + amount > gone:
            against.add("credits_exceed_debits")
        if credit in CAPS and come + coming + amount - gone > CAPS[credit]:
            against.add("balance_too_large")
        if line["kind"] == "hold" and line["expires"] is not None and line["expires"] <= now:
            against.add("expiry_in_past")
        if not against and line["kind"] == "hold":
            self.holds[line["id"]] = {**line, "end": None}
        elif not against:
            self.moved.append((debit, credit, amount))
        return against

    def _resolve(self, line: dict[str, Any], now: datetime) -> set[str]:
        hold = self.holds.get(line["hold"])
        if hold is None:
            return {"hold_not_found"}
        if hold["end"] is not None:
            return {
                {"post": "hold_posted", "void": "hold_voided", "expire": "hold_expired"}[
                    hold["end"]
                ]
            }
        is_over = hold["expires"] is not None and hold["expires"] <= now
        against = set()
        if line["kind"] == "expire" and not is_over:
            against.add("hold_not_expired")
        if line["kind"] != "expire" and is_over:
            against.add("hold_expired")
        amount = hold["amount"] if line["amount"] is None else line["amount"]
        if line["kind"] == "post":
            against |= self._states(hold["debit"], hold["credit"])
            if amount > hold["amount"]:
                against.add("amount_exceeds_hold")
            if amount < 1:
                against.add("amount_not_positive")
        if not against:
            hold["end"] = line["kind"]
            if line["kind"] == "post":
                self.moved.append((hold["debit"], hold["credit"], amount))
        return against

    def _states(self, debit: str, credit: str) -> set[str]:
        is_stuck = self.states[debit] >= 1 or self.states[credit] >= 2
        return {"account_frozen"} if is_stuck else set()

    def use(self, name: str, on_day: date, amount: int) -> set[str]:
        """Count a use of the one meter of an account; days never go back."""
        mine = [(day, n) for who, day, n in self.uses if who == name]
        today = max([on_day, *[day for day, _ in mine]])
        used = [n for day, n in mine if day == today]
        in_year = [n for day, n in mine if day.year == today.year]
        against = set()
        if sum(used) + amount > DAY_MAX:
            against.add("day_limit_exceeded")
        if len(used) + 1 > TIMES_MAX:
            against.add("day_count_exceeded")
        if sum(in_year) + amount > YEAR_MAX:
            against.add("year_limit_exceeded")
        if not against:
            self.uses.append((name, today, amount))
        return against


@dataclass
class World:
    """The real ledger, shared by all runs of the machine; each opens accounts of its own."""

    runner: asyncio.Runner
    owner: Any
    poster: Poster
    now: datetime = START
    serial: int = 1_000_000_001


names = st.sampled_from(NAMES)
amounts = st.sampled_from([0, 1, 5, 20, 40, 70, 200])
places = st.integers(0, 30)


class LedgerMachine(RuleBasedStateMachine):
    """Gathers requests into a batch and sends it: then answers and totals must agree."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.now = START
        self.naive = Naive()
        self.answers: dict[Any, tuple[Any, str]] = {}
        self.batch: list[tuple[Any, list[dict[str, Any]], Any]] = []
        self.sent: list[tuple[Any, list[dict[str, Any]], Any]] = []
        self.numbers = self.world.runner.run(self._open())

    async def _open(self) -> dict[str, int]:
        numbers = {}
        for name in NAMES:
            numbers[name] = make_account_number(self.world.serial)
            self.world.serial += 1
            await self.world.owner.execute(
                "WITH a AS (INSERT INTO ledger.accounts (id, chart_code, currency, name)"
                " VALUES ($1, '1011', 'CNY', 'naive') RETURNING id)"
                " INSERT INTO ledger.balances (account_id, currency, limits, balance_max,"
                " debits_posted, credits_posted) SELECT id, 'CNY', $2, $3, $4, $5 FROM a",
                numbers[name],
                LIMITS[name],
                CAPS.get(name),
                *OPENING[name],
            )
        return numbers

    def _new(self, kind: str, **more: Any) -> dict[str, Any]:
        identifier = uuid7(int(self.world.now.timestamp() * 1_000))
        return {"id": identifier, "kind": kind, "debit": None, "credit": None, **more}

    def _find_hold(self, place: int) -> Any:
        made = [
            line["id"] for _, lines, _ in self.batch for line in lines if line["kind"] == "hold"
        ]
        known = [*self.naive.holds, *made]
        return known[place % len(known)] if known else uuid7()

    def _add(self, lines: list[dict[str, Any]], meter: Any = None, *, send: bool) -> None:
        entry = lines[0]["id"] if len(lines) > 1 else None
        self.batch.append((entry, lines, meter))
        if send:
            self.send()

    @rule(debit=names, credit=names, amount=amounts, send=st.booleans())
    def transfer(self, debit, credit, amount, send):
        self._add([self._new("transfer", debit=debit, credit=credit, amount=amount)], send=send)

    @rule(
        debit=names, credit=names, amount=amounts, on_day=st.sampled_from(DAYS), send=st.booleans()
    )
    def metered(self, debit, credit, amount, on_day, send):
        line = self._new("transfer", debit=debit, credit=credit, amount=amount)
        self._add([line], (debit, on_day, amount), send=send)

    @rule(
        debit=names,
        credit=names,
        amount=amounts,
        lasts=st.none() | st.sampled_from([-1, 30, 90]),
        send=st.booleans(),
    )
    def hold(self, debit, credit, amount, lasts, send):
        expires = None if lasts is None else self.world.now + timedelta(seconds=lasts)
        line = self._new("hold", debit=debit, credit=credit, amount=amount, expires=expires)
        self._add([line], send=send)

    @rule(
        kind=st.sampled_from(["post", "void", "expire"]),
        place=places,
        amount=st.none() | st.sampled_from([0, 1, 20, 70]),
        send=st.booleans(),
    )
    def resolve(self, kind, place, amount, send):
        amount = amount if kind == "post" else None
        self._add([self._new(kind, hold=self._find_hold(place), amount=amount)], send=send)

    @rule(
        moves=st.lists(st.tuples(names, names, amounts), min_size=2, max_size=4),
        place=st.none() | places,
        send=st.booleans(),
    )
    def linked(self, moves, place, send):
        lines = [
            self._new("transfer", debit=debit, credit=credit, amount=amount)
            for debit, credit, amount in moves
        ]
        if place is not None:
            lines.append(self._new("post", hold=self._find_hold(place), amount=None))
        self._add(lines, send=send)

    @rule(place=places, send=st.booleans())
    def resend(self, place, send):
        known = [*self.sent, *self.batch]
        if known:
            self.batch.append(known[place % len(known)])
        if send:
            self.send()

    @rule(place=places, send=st.booleans())
    def resend_with_other_content(self, place, send):
        known = [*self.sent, *self.batch]
        if known:
            entry, lines, meter = copy.deepcopy(known[place % len(known)])
            line = lines[-1]
            if line["kind"] in ("transfer", "hold"):
                line["amount"] += 1
            else:
                line["kind"] = "void" if line["kind"] != "void" else "expire"
                line["amount"] = None
            self.batch.append((entry, lines, meter))
        if send:
            self.send()

    @rule(name=names, state=st.sampled_from([0, 0, 1, 2]))
    def freeze(self, name, state):
        self.send()
        self.naive.states[name] = state
        self.world.runner.run(
            self.world.owner.execute(
                "UPDATE ledger.balances SET state = $2 WHERE account_id = $1",
                self.numbers[name],
                state,
            )
        )

    @rule(seconds=st.sampled_from([1, 30, 60]))
    def wait(self, seconds):
        self.send()
        self.world.now += timedelta(seconds=seconds)

    def send(self) -> None:
        """Post the batch and compare every answer and every total."""
        if not self.batch:
            return
        batch, self.batch = self.batch, []
        self.sent += batch
        outcomes = self.world.runner.run(self._post([self._request(*each) for each in batch]))
        for (entry, lines, meter), outcome in zip(batch, outcomes, strict=True):
            self._compare(entry, lines, meter, outcome)
        totals = self.world.runner.run(self._read_totals())
        assert totals == {name: self.naive.totals(name) for name in NAMES}

    async def _post(self, requests: list[Request]) -> list[Any]:
        futures = [self.world.poster.submit(Job(request=request)) for request in requests]
        return [(await future).outcome for future in futures]

    def _compare(self, entry: Any, lines: list[dict[str, Any]], meter: Any, outcome: Any) -> None:
        content = repr((entry, lines))
        known = [self.answers.get(line["id"]) for line in lines]
        if any(known):
            # Part of it was seen: it is the same again, or it is refused.
            if all(seen is not None and seen[0] == content for seen in known):
                expected = "posted" if known[0][1] == "posted" else known[0][1]
                got = "posted" if outcome.verdict == "replayed" else str(outcome.reason)
                assert got == expected
            else:
                assert outcome.reason == "id_reused"
            return
        trial = copy.deepcopy(self.naive)
        against = trial.use(*meter) if meter else set()
        at = None
        if not against:
            for at, line in enumerate(lines):  # noqa: B007 (read below)
                against = trial.apply(line, self.world.now)
                if against:
                    break
        if against:
            assert outcome.verdict == "refused"
            assert outcome.reason in against
            assert outcome.index == at
            if outcome.reason not in FORGOTTEN:
                self.answers.update({line["id"]: (content, str(outcome.reason)) for line in lines})
        else:
            assert (outcome.verdict, outcome.reason) == ("posted", None)
            self.naive = trial
            self.answers.update({line["id"]: (content, "posted") for line in lines})

    async def _read_totals(self) -> dict[str, tuple[int, int, int, int]]:
        rows = await self.world.owner.fetch(
            "SELECT account_id, debits_posted, credits_posted, debits_pending, credits_pending"
            "  FROM ledger.balances WHERE account_id = ANY($1::bigint[])",
            list(self.numbers.values()),
        )
        found = {row[0]: tuple(row)[1:] for row in rows}
        return {name: found[number] for name, number in self.numbers.items()}

    def _request(self, entry: Any, lines: list[dict[str, Any]], meter: Any) -> Request:
        transfers = tuple(
            Transfer(
                id=line["id"],
                debit_account_id=self.numbers.get(line["debit"], 0),
                credit_account_id=self.numbers.get(line["credit"], 0),
                amount=line["amount"],
                currency="CNY" if line["debit"] else "",
                code=201,
                effective_on=date(2026, 3, 2),
                kind=KINDS[line["kind"]],
                pending_id=line.get("hold"),
                expires_at=line.get("expires"),
            )
            for line in lines
        )
        if meter is None:
            return Request(Entry(transfers, entry))
        name, on_day, amount = meter
        use = MeterUse(
            account_id=self.numbers[name],
            meter=3,
            amount=amount,
            on_day=on_day,
            day_max=DAY_MAX,
            day_count_max=TIMES_MAX,
            year_max=YEAR_MAX,
        )
        return Request(Entry(transfers, entry), [use])

    def teardown(self) -> None:
        self.send()


KINDS = {
    "transfer": TransferKind.POSTED,
    "hold": TransferKind.PENDING,
    "post": TransferKind.POST_PENDING,
    "void": TransferKind.VOID_PENDING,
    "expire": TransferKind.EXPIRE_PENDING,
}


async def open_world(owner_url: str, runner: asyncio.Runner) -> World:
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "INSERT INTO ledger.chart (code, name_en, name_zh, kind, normal_side)"
        " VALUES ('1011', 'Cash', '现金', 'asset', 'debit') ON CONFLICT DO NOTHING"
    )
    await owner.execute("SELECT ledger.add_partition('2026-03-01')")
    database = Database(owner_url, role="huitong_app")
    poster = Poster(database, clock=lambda: world.now, posters=1)
    world = World(runner, owner, poster)
    await poster.start()
    return world


async def close_world(world: World) -> None:
    await world.poster.stop()
    await world.owner.close()


def test_answers_and_adds_up_like_a_naive_ledger(owner_url):
    with asyncio.Runner() as runner:
        world = runner.run(open_world(owner_url, runner))
        machine = type("Machine", (LedgerMachine,), {"world": world})
        try:
            run_state_machine_as_test(
                machine,
                settings=settings(
                    max_examples=80,
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(close_world(world))
