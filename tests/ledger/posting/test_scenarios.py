"""The ledger's rules as tables that a bookkeeper can read; each file is played on both ways."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import pytest

from huitong.kernel.ids import uuid7
from huitong.ledger import (
    AccountState,
    BalanceLimit,
    Entry,
    MeterUse,
    Outcome,
    Request,
    Transfer,
    TransferCode,
    TransferKind,
)

FILES = sorted((Path(__file__).parent / "scenarios").glob("*.txt"))
LIMITS = {
    "": BalanceLimit.NONE,
    "no overdraft": BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS,
    "no credit balance": BalanceLimit.CREDITS_MUST_NOT_EXCEED_DEBITS,
}
KINDS = {
    "transfer": TransferKind.POSTED,
    "hold": TransferKind.PENDING,
    "post": TransferKind.POST_PENDING,
    "void": TransferKind.VOID_PENDING,
    "expire": TransferKind.EXPIRE_PENDING,
}
STATES = {
    "open": AccountState.OPEN,
    "freeze debits": AccountState.DEBITS_FROZEN,
    "freeze": AccountState.FROZEN,
    "close": AccountState.CLOSED,
}
MAX = 2**63 - 1


def read_tables(text: str) -> Iterator[list[dict[str, str]]]:
    """Yield the tables below the prose; a row is its cells by the names in the header."""
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if "|" in line]
        cells = [[cell.strip() for cell in line.split("|")] for line in lines]
        if cells:
            yield [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]


def read_amount(text: str) -> int | None:
    """Read `100`, `MAX` or `MAX-1`; nothing is None."""
    if not text:
        return None
    if not text.startswith("MAX"):
        return int(text)
    return MAX - int(text[4:] or 0)


TABLES = {path: list(read_tables(path.read_text(encoding="utf-8"))) for path in FILES}


class Player:
    """Plays one scenario on a bench; labels stand for identifiers and accounts."""

    def __init__(self, bench, post) -> None:
        self.bench = bench
        self.post = post
        self.accounts: dict[str, int] = {}
        self.identifiers: dict[str, object] = {}

    async def open(self, rows: list[dict[str, str]]) -> None:
        for row in rows:
            self.accounts[row["account"]] = await self.bench.open(
                LIMITS[row.get("limit", "")],
                balance=read_amount(row.get("balance", "")) or 0,
                balance_max=read_amount(row.get("max", "")),
                currency=row.get("currency", "") or "CNY",
            )

    async def play(self, steps: list[dict[str, str]]) -> list[tuple[str, str]]:
        """Play all steps; returns what was expected and what came, as text."""
        compared = []
        for _, batch in groupby(steps, key=lambda step: step["batch"]):
            rows = list(batch)
            if rows[0]["kind"] == "wait":
                self.bench.now += timedelta(seconds=int(rows[0]["amount"]))
            elif rows[0]["kind"] in STATES:
                number = self.accounts[rows[0]["debit"]]
                await self.bench.set_state(number, STATES[rows[0]["kind"]])
            else:
                compared += await self._play_batch(rows)
        return compared

    async def _play_batch(self, rows: list[dict[str, str]]) -> list[tuple[str, str]]:
        entries: list[list[dict[str, str]]] = []
        for row in rows:
            linked = row.get("entry", "")
            if linked and entries and entries[-1][0].get("entry") == linked:
                entries[-1].append(row)
            else:
                entries.append([row])
        before = await self.bench.totals(*self.accounts.values())
        journal = await self.bench.count_journal()
        outcomes = await self.post(*[self._request(entry) for entry in entries])
        if not any(outcome.verdict == "posted" for outcome in outcomes):
            assert await self.bench.totals(*self.accounts.values()) == before
            assert await self.bench.count_journal() == journal
        return [
            (
                f"{entry[0]['id']}: {entry[0]['expected']}",
                f"{entry[0]['id']}: {self._show(outcome)}",
            )
            for entry, outcome in zip(entries, outcomes, strict=True)
        ]

    def _show(self, outcome: Outcome) -> str:
        if outcome.reason is None:
            return str(outcome.verdict)
        names = {number: name for name, number in self.accounts.items()}
        place = "" if outcome.index in (None, 0) else f", line {outcome.index + 1}"
        account = "" if outcome.account_id is None else f", {names.get(outcome.account_id, '?')}"
        return f"{outcome.reason}{place}{account}"

    def _request(self, rows: list[dict[str, str]]) -> Request:
        meters = [use for row in rows for use in self._meters(row)]
        transfers = tuple(self._transfer(row) for row in rows)
        label = rows[0].get("entry", "")
        return Request(
            Entry(transfers, self._identifier(f"entry {label}") if label else None), meters
        )

    def _transfer(self, row: dict[str, str]) -> Transfer:
        more = self._more(row)
        kind = KINDS[row["kind"]]
        resolves = kind not in (TransferKind.POSTED, TransferKind.PENDING)
        expires = more.get("expires")
        return Transfer(
            id=self._identifier(row["id"], int(more.get("made", "0"))),
            debit_account_id=self._account(row["debit"]),
            credit_account_id=self._account(row["credit"]),
            amount=read_amount(row["amount"]),
            currency=more.get("currency", "" if resolves else "CNY"),
            code=int(more.get("code", TransferCode.TRANSFER)),
            effective_on=date.fromisoformat(more.get("on", "2026-03-02")),
            kind=kind,
            pending_id=self._identifier(more["hold"]) if "hold" in more else None,
            expires_at=None
            if expires is None
            else self.bench.now + timedelta(seconds=int(expires)),
            corrects_id=self._identifier(more["corrects"]) if "corrects" in more else None,
        )

    def _meters(self, row: dict[str, str]) -> Iterator[MeterUse]:
        more = self._more(row)
        if "meter" in more:
            account, _, meter = more["meter"].partition(":")
            yield MeterUse(
                account_id=self._account(account),
                meter=int(meter),
                amount=int(more.get("uses", row["amount"])),
                on_day=date.fromisoformat(more.get("on", "2026-03-02")),
                day_max=read_amount(more.get("per_day", "")),
                day_count_max=read_amount(more.get("times", "")),
                year_max=read_amount(more.get("per_year", "")),
                total_max=read_amount(more.get("in_all", "")),
            )

    def _more(self, row: dict[str, str]) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in row.get("more", "").split())

    def _account(self, name: str) -> int:
        if name == "nobody":
            return 100_000_999_999_945
        return self.accounts[name] if name else 0

    def _identifier(self, label: str, made: int = 0):
        made_at = self.bench.now + timedelta(seconds=made)
        return self.identifiers.setdefault(label, uuid7(int(made_at.timestamp() * 1_000)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_plays_as_written_on_both_ways(path: Path, bench):
    accounts, steps, totals, *meters = TABLES[path]
    start = bench.now
    for post in (bench.post, bench.post_queued):
        bench.now = start
        player = Player(bench, post)
        await player.open(accounts)

        compared = await player.play(steps)

        assert [came for _, came in compared] == [expected for expected, _ in compared]
        shown = [
            tuple(
                map(
                    read_amount,
                    (row["debits"], row["credits"], row["debits held"], row["credits held"]),
                )
            )
            for row in totals
        ]
        numbers = [player.accounts[row["account"]] for row in totals]
        assert await bench.totals(*numbers) == shown
        for row in meters[0] if meters else ():
            assert await bench.fetch_meter(player.accounts[row["account"]], int(row["meter"])) == (
                date.fromisoformat(row["day"]),
                int(row["used"]),
                int(row["times"]),
                int(row["in the year"]),
                int(row["in all"]),
            )


def test_every_rule_has_a_scenario():
    assert len(FILES) >= 20
