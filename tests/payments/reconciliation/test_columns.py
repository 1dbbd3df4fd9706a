"""A million lines compared as columns say what one line after the other says."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.payments.reconciliation import columns, reading

BEGIN = datetime(2026, 11, 22, 16, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
#: Some have one half in common, so that a join by a half would be wrong.
IDS = ["", "0" * 32, "f" * 32, "0" * 16 + "f" * 16, "f" * 16 + "0" * 16, "0" * 15 + "1" + "f" * 16]
TIMES = [
    "2026-11-22T15:59:59Z",
    "2026-11-22T16:00:00Z",
    "2026-11-23T12:34:56+08:00",
    "2026-11-24T00:00:00+08:00",
    "2028-02-29T23:59:59+08:00",
]
AMOUNTS = [("CNY", "0.01"), ("CNY", "9" * 15 + ".99"), ("JPY", "1"), ("CLF", "9" * 14 + ".9999")]


@st.composite
def texts(draw: st.DrawFn) -> str:
    currency, amount = draw(st.sampled_from(AMOUNTS))
    fee = draw(st.sampled_from(["", amount]))
    picked = [
        draw(st.sampled_from(each))
        for each in (IDS, ["B1", "x/Y-9_"], ["in", "out"], ["succeeded", "failed"], TIMES)
    ]
    attempt, reference, direction, state, at = picked
    return f"bank,{attempt},{reference},{direction},{amount},{currency},{fee},{state},{at}"


def encode(lines: Iterable[str]) -> bytes:
    return "".join(f"{each}\n" for each in lines).encode()


@given(st.lists(texts(), min_size=1, max_size=8))
def test_columns_hold_what_each_line_says(lines: list[str]) -> None:
    assert all(reading.find_fault(each.encode(), "bank") is None for each in lines)
    found = columns.parse(encode(lines))
    rows = [reading.read_line(at, each.encode()) for at, each in enumerate(lines)]
    assert found.marked.tolist() == [each.attempt_id is not None for each in rows]
    assert [
        high << 64 | low for high, low in zip(found.high.tolist(), found.low.tolist(), strict=True)
    ] == [0 if each.attempt_id is None else each.attempt_id.int for each in rows]
    assert found.amounts.tolist() == [each.side.amount for each in rows]
    assert found.fees.tolist() == [-1 if each.side.fee is None else each.side.fee for each in rows]
    assert found.booked.tolist() == [int(each.side.at.timestamp()) for each in rows]
    sums: dict[str, list[int]] = {}
    for each in rows:
        own = sums.setdefault(each.side.currency, [0, 0, 0])
        own[each.side.direction == "out"] += each.side.amount
        own[2] += each.side.fee or 0
    assert {code: list(each) for code, each in found.sum_up().items()} == sums


def test_sums_beyond_64_bits_are_exact() -> None:
    largest = f"bank,,B,in,{'9' * 15}.999,KWD,,failed,{TIMES[0]}"
    assert columns.parse(encode([largest] * 50)).sum_up() == {"KWD": (50 * (10**18 - 1), 0, 0)}


@pytest.mark.parametrize(
    ("amount", "currency"), [("9" * 16 + ".00", "CNY"), ("9" * 15 + ".9999", "CLF")]
)
def test_an_amount_beyond_64_bits_is_refused(amount: str, currency: str) -> None:
    line = f"bank,,B,in,{amount},{currency},,failed,{TIMES[0]}".encode()
    assert reading.find_fault(line, "bank") == ("amount", "malformed")


OURS = st.lists(
    st.tuples(
        st.sampled_from(IDS[1:]),
        st.sampled_from([(1, "CNY"), (1, "JPY")]),
        st.sampled_from([-1, 1, 2]),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    unique_by=lambda each: each[0],
)


def make_ours(rows: list[tuple[Any, ...]]) -> columns.Columns:
    ids = [int(each[0], 16) for each in rows]
    return columns.Columns(
        high=np.array([each >> 64 for each in ids], np.uint64),
        low=np.array([each & (1 << 64) - 1 for each in ids], np.uint64),
        amounts=np.array([each[1][0] for each in rows], np.int64),
        fees=np.array([each[2] for each in rows], np.int64),
        codes=np.array(
            [
                columns.encode_code(is_in=each[3], is_moved=each[4], currency=each[1][1])
                for each in rows
            ],
            np.int32,
        ),
        booked=np.zeros(len(rows), np.int64),
        marked=np.array([each[5] for each in rows], np.bool_),
    )


@given(st.lists(texts(), max_size=8), OURS)
def test_what_is_left_is_what_one_line_after_the_other_leaves(
    lines: list[str], rows: list[tuple[Any, ...]]
) -> None:
    parsed = columns.join([columns.parse(encode([each])) for each in lines])
    found = columns.compare(parsed, make_ours(rows), BEGIN, END, 100)
    known = {uuid.UUID(each[0]): each for each in rows}
    unlike, repeated, seen = [], [], set()
    for number, text in enumerate(lines, 1):
        line = reading.read_line(number, text.encode())
        side, ours = line.side, known.get(line.attempt_id) if line.attempt_id else None
        agrees = ours is not None and (
            (side.amount, side.currency) == ours[1]
            and (side.direction == "in") is ours[3]
            and side.is_moved is ours[4]
            and (ours[2] == -1 or side.fee in (None, ours[2]) or not side.is_moved)
            and BEGIN <= side.at < END
        )
        if not agrees:
            unlike.append(number)
        if line.attempt_id in seen:
            repeated.append(number)
        seen |= {line.attempt_id} - {None}
    assert (found.unlike, found.repeated) == (unlike, repeated)
    assert {uuid.UUID(bytes=each) for each in found.absent} == {
        each for each, row in known.items() if row[5] and each not in seen
    }


def test_no_more_than_asked_for_is_returned() -> None:
    lines = columns.parse(encode([f"bank,{IDS[1]},B,in,1,JPY,,failed,{TIMES[1]}"] * 9))
    ours = make_ours([(each, (1, "JPY"), -1, True, False, True) for each in IDS[2:]])
    found = columns.compare(lines, ours, BEGIN, END, 3)
    assert found.unlike == [1, 2, 3]
    assert found.repeated == [2, 3, 4]
    assert len(found.absent) == 3


HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
ROW = (
    b"\x00\x05\x00\x00\x00\x10" + bytes(range(16))
    + b"\x00\x00\x00\x08" + (2**62).to_bytes(8, "big")
    + b"\x00\x00\x00\x08" + (-1).to_bytes(8, "big", signed=True)
    + b"\x00\x00\x00\x04\x00\x00\x00\x07\x00\x00\x00\x03CNY"
)  # fmt: skip


async def receive(content: bytes, cuts: list[int]) -> columns.Columns:
    receiver = columns.Receiver()
    for begin, end in pairwise([0, *sorted(cuts), len(content)]):
        await receiver.receive(content[begin:end])
    return receiver.finish()


@pytest.mark.parametrize("cuts", [[], [3], [19], [20, 100], [5, 6, 90, 170]])
async def test_rows_of_the_database_come_in_any_pieces(
    cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_RECEIVED_BYTES", 1)
    found = await receive(HEADER + ROW * 3 + b"\xff\xff", cuts)
    assert found.high.tolist() == [int.from_bytes(range(8))] * 3
    assert found.low.tolist() == [int.from_bytes(range(8, 16))] * 3
    assert (found.amounts.tolist(), found.fees.tolist()) == ([2**62] * 3, [-1] * 3)
    assert (
        found.codes.tolist() == [columns.encode_code(is_in=True, is_moved=True, currency="CNY")] * 3
    )
    assert found.marked.tolist() == [True] * 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER + ROW,
        HEADER + ROW[:-1] + b"\xff\xff",
        HEADER + ROW.replace(b"\x00\x00\x00\x08", b"\xff\xff\xff\xff", 1) + b"\xff\xff",
    ],
)
async def test_rows_that_are_cut_off_or_of_another_shape_are_not_taken(content: bytes) -> None:
    with pytest.raises(ValueError, match="COPY"):
        await receive(content, [])
