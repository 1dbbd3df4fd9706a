"""Files of channels that are not sound are refused whole, with what is wrong; sound ones once."""

import asyncio
import string
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.reconciliation.conftest import Desk, line, store_half, write_file

from huitong import payments
from huitong.payments.reconciliation import limits, reading

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
HEX = "0" * 31 + "1"
GOOD = f"bank,{HEX},B1,in,100.00,CNY,0.10,succeeded,2026-11-23T12:00:00+08:00"
HEAD = b"huitong-channel-file,1,bank,2026-11-23,1,CNY:100.00:0.00:0.10\n" + reading.TITLES + b"\n"
UNREADABLE = reconciliation.ChannelFileUnreadable
TOO_LARGE = reconciliation.ChannelFileTooLarge
TOTALS = reconciliation.ChannelFileTotalsDiffer


def check(content: bytes) -> reading.CheckedFile:
    return reading.check_file(BytesIO(content))


def test_a_sound_file_is_read_with_any_line_ends_and_mark() -> None:
    body = HEAD + GOOD.encode() + b"\n"
    for content in (body, body.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + body, body.rstrip()):
        checked = check(content)
        assert checked.head.day == date(2026, 11, 23)
        assert checked.head.totals == {"CNY": (100_00, 0, 10)}
        ranges = list(reading.read_ranges(BytesIO(content), after=0))
        assert ranges == [(1, 1, GOOD.encode() + b"\n")]
    assert check(write_file([])).head.line_count == 0


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        (GOOD.replace("100.00", "100.001"), "amount", "malformed"),
        (GOOD.replace("100.00", "0.00"), "amount", "malformed"),
        (GOOD.replace("100.00", "-100.00"), "amount", "malformed"),
        (GOOD.replace("100.00", "1e2"), "amount", "malformed"),
        (GOOD.replace("100.00,CNY", "100.00,JPY"), "amount", "malformed"),
        (GOOD.replace("CNY", "XXQ"), "currency", "unknown"),
        (GOOD.replace("B1", "=cmd|' /C calc'!A0"), "channel_reference", "looks_like_a_formula"),
        (GOOD.replace("B1", "@SUM(A1)"), "channel_reference", "looks_like_a_formula"),
        (GOOD.replace("B1", ""), "channel_reference", "malformed"),
        (GOOD.replace(HEX, HEX[:-1]), "attempt_id", "malformed"),
        (GOOD.replace("bank", "other"), "channel", "malformed"),
        (GOOD.replace(",in,", ",both,"), "direction", "malformed"),
        (GOOD.replace("succeeded", "perhaps"), "state", "malformed"),
        (GOOD.replace("T12", " 12"), "booked_at", "malformed"),
        (GOOD.replace("11-23T", "02-30T"), "booked_at", "no_such_day"),
        (GOOD.replace("B1", '"B1"'), "channel_reference", "malformed"),
        (GOOD + ",more", "line", "wrong_number_of_fields"),
        ("", "line", "wrong_number_of_fields"),
        (GOOD.replace("B1", "流水"), "line", "not_ascii"),
    ],
)
def test_a_bad_line_is_told_with_its_field(changed: str, field: str, code: str) -> None:
    with pytest.raises(UNREADABLE) as refused:
        check(HEAD + changed.encode() + b"\n")
    assert refused.value.context["lines"] == [{"line": 1, "field": field, "code": code}]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", UNREADABLE),
        (b"\n", UNREADABLE),
        (b"PK\x03\x04", UNREADABLE),
        (HEAD.split(b"\n")[0] + b"\n", UNREADABLE),
        (HEAD.replace(b",1,bank", b",2,bank") + GOOD.encode(), UNREADABLE),
        (HEAD.replace(b"2026-11-23", b"2026-11-31") + GOOD.encode(), UNREADABLE),
        (HEAD.replace(b"fee,state", b"state,fee") + GOOD.encode(), UNREADABLE),
        (HEAD.replace(b"bank", b"Bank!") + GOOD.encode(), UNREADABLE),
        (HEAD.replace(b"100.00", b"1.0.0") + GOOD.encode(), UNREADABLE),
        ((HEAD + GOOD.encode()).decode().encode("utf-16"), UNREADABLE),
        (HEAD, TOTALS),
        (HEAD + GOOD.encode() + b"\n" + GOOD.encode(), TOTALS),
        (HEAD.replace(b":0.10", b":0.11") + GOOD.encode(), TOTALS),
        (HEAD.replace(b"CNY:100.00:0.00", b"CNY:0.00:100.00") + GOOD.encode(), TOTALS),
        (HEAD.replace(b",CNY:100.00:0.00:0.10", b"") + GOOD.encode(), TOTALS),
        (HEAD + b"x" * (limits.LINE_BYTES_MAX + 1), TOO_LARGE),
    ],
)
def test_a_bad_head_or_totals_that_differ_are_refused(content: bytes, error: type) -> None:
    with pytest.raises(error):
        check(content)


class Endless:
    """A file of one line without an end, which must not be kept in memory."""

    def __init__(self) -> None:
        self.given = 0

    def seek(self, _offset: int) -> int:
        return 0

    def read(self, size: int) -> bytes:
        self.given += size
        return b"x" * size


def test_a_line_of_a_gigabyte_is_refused_after_the_first_piece() -> None:
    source: Any = Endless()
    with pytest.raises(TOO_LARGE):
        reading.check_file(source)
    assert source.given == limits.READ_BYTES


@given(
    st.lists(
        st.sampled_from([*GOOD.split(","), "", "0.00", "USD", "out", "failed", "JPY", "5"]),
        min_size=8,
        max_size=10,
    )
    | st.lists(st.text(string.printable, max_size=12), min_size=9, max_size=9)
)
def test_the_quick_look_at_a_line_agrees_with_the_slow_one(fields: list[str]) -> None:
    text = ",".join(fields).encode()
    quick = reading._line_pattern("bank").fullmatch(text + b"\n") is not None
    assert quick == (reading.find_fault(text, "bank") is None)


async def test_a_file_is_taken_once_and_another_one_of_its_day_is_refused(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    content = write_file([line(order)])
    file = await desk.take(content)
    assert (file.state, file.matched) == (reconciliation.FileState.MATCHED, 1)
    before = await town.fingerprint()
    with pytest.raises(reconciliation.ChannelFileKnown):
        await desk.take(content)
    with pytest.raises(reconciliation.ChannelFileDiffers):
        await desk.take(write_file([line(order, fee="0.01")]))
    with pytest.raises(reconciliation.ReconciledChannelNotFound):
        await desk.take(write_file([], channel="nobody"))
    assert await town.fingerprint() == before
    assert len(await town.read(reconciliation.list_files)) == 1


async def test_two_workers_with_one_file_store_and_match_it_once(
    town: "Town", desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RANGE_LINES", 3)
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, f"{at + 1}.00") for at in range(10)]
    content = write_file([line(each) for each in orders[:9]])
    done = await asyncio.gather(
        desk.take(content), desk.take(content), desk.take(content), return_exceptions=True
    )
    files = [each for each in done if not isinstance(each, BaseException)]
    assert files
    assert {each.matched for each in files} == {9}
    others = [each for each in done if isinstance(each, BaseException)]
    assert all(isinstance(each, reconciliation.ChannelFileKnown) for each in others)
    (found,) = await desk.breaks()
    assert found.attempt_id == payments.derive_id(orders[9].id, 1)
    async with town.database.unit_of_work() as uow:
        stored = await uow.execute(
            "SELECT first_line, line_count, content FROM payments.recon_ranges ORDER BY first_line"
        )
    assert [(row.first_line, row.line_count) for row in stored] == [(1, 3), (4, 3), (7, 3)]
    assert b"".join(row.content for row in stored) == content.split(b"\n", 2)[2]


async def test_a_file_that_stopped_half_way_gives_its_day_to_another_one(
    town: "Town", desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RANGE_LINES", 2)
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, f"{at + 1}.00") for at in range(5)]
    lost = write_file([line(each, fee="0.01") for each in orders])
    right = write_file([line(each) for each in orders])
    half = await store_half(town, lost, desk.now)
    assert (half.state, half.loaded) == (reconciliation.FileState.LOADING, 4)
    with pytest.raises(reconciliation.ChannelFileDiffers):
        await desk.take(right)
    desk.now += timedelta(seconds=limits.GOES_ON_SECONDS + 1)
    file = await desk.take(right)
    assert (file.state, file.matched) == (reconciliation.FileState.MATCHED, 5)
    states = {each.digest: each.state for each in await town.read(reconciliation.list_files)}
    assert states == {
        half.digest: reconciliation.FileState.ABANDONED,
        file.digest: reconciliation.FileState.MATCHED,
    }
    # Its day is another file's now.
    with pytest.raises(reconciliation.ChannelFileDiffers):
        await desk.take(lost)
    assert await desk.breaks() == []


async def test_a_file_that_was_given_up_goes_on_where_it_was_if_its_day_is_free_again(
    town: "Town", desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RANGE_LINES", 2)
    monkeypatch.setattr(limits, "DIFFERENCES_MAX", 4)
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, f"{at + 1}.00") for at in range(5)]
    right = write_file([line(each) for each in orders])
    half = await store_half(town, right, desk.now)
    desk.now += timedelta(seconds=limits.GOES_ON_SECONDS + 1)
    strange = [line(each, attempt="f" * 31 + str(at)) for at, each in enumerate(orders)]
    with pytest.raises(reconciliation.ChannelFileOfAnotherDay):
        await desk.take(write_file(strange))
    file = await desk.take(right)
    assert (file.id, file.state, file.matched) == (
        half.id,
        reconciliation.FileState.MATCHED,
        5,
    )


async def test_a_file_of_another_house_is_refused_and_leaves_no_break(
    town: "Town", desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "DIFFERENCES_MAX", 2)
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, "1.00") for _ in range(3)]
    strange = [line(each, attempt="f" * 31 + str(at)) for at, each in enumerate(orders)]
    with pytest.raises(reconciliation.ChannelFileOfAnotherDay):
        await desk.take(write_file(strange))
    assert await desk.breaks() == []
    with pytest.raises(reconciliation.ChannelFileOfAnotherDay):
        await desk.take(write_file(strange))
    # The day is free for the right one.
    assert (await desk.take(write_file([line(each) for each in orders]))).matched == 3


async def test_lines_are_forgotten_after_their_days_and_digests_stay(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    await desk.take(write_file([line(order, amount="90.00")]))
    for days, left in ((limits.LINES_KEEP_DAYS, 1), (limits.LINES_KEEP_DAYS + 1, 0)):
        await reconciliation.prune_lines(town.database, now=desk.now + timedelta(days=days))
        async with town.database.unit_of_work() as uow:
            assert await uow.fetch_value("SELECT count(content) FROM payments.recon_ranges") == left
            assert await uow.fetch_value("SELECT count(digest) FROM payments.recon_ranges") == 1
    (found,) = await desk.breaks()
    assert found.theirs is not None
    assert (found.line, found.theirs.amount) == (1, 90_00)
