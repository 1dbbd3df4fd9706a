"""The night: files are fetched over a real socket, once a day, and from their hour on."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.payments.reconciliation.conftest import line, store_half, write_file

from huitong import payments
from huitong.kernel.rulebook import Rulebook
from huitong.kernel.serving import serve_inside
from huitong.payments.channels import ChannelFault
from huitong.payments.reconciliation import limits

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
DAY = date(2026, 11, 23)
#: 00:59 and 01:00 in Shanghai on the day after.
TOO_EARLY = datetime(2026, 11, 23, 16, 59, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


class Bank:
    """A bank that serves files, and counts how often it is asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked = 0
        self.url = ""

    async def serve(self, request: Request) -> Response:
        self.asked += 1
        content = self.files.get(request.path_params["day"])
        return Response(status_code=404) if content is None else Response(content)


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    bank = Bank()
    application = Starlette(routes=[Route("/files/{day}", bank.serve)])
    async with serve_inside(application) as bank.url:
        yield bank


async def fetch(town: "Town", bank: Bank, now: datetime) -> None:
    await reconciliation.fetch_night(
        town.database, {"bank": bank.url}, rulebook=Rulebook.load(), now=now
    )


async def test_the_file_of_the_day_before_is_fetched_once_from_one_oclock_on(
    town: "Town", bank: Bank
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    await fetch(town, bank, TOO_EARLY)
    assert bank.asked == 0
    # It has none yet, and is asked again.
    await fetch(town, bank, NIGHT)
    assert await town.read(reconciliation.list_files) == []
    bank.files["2026-11-23"] = write_file([line(order)])
    for minutes in (5, 10, 15):
        await fetch(town, bank, NIGHT + timedelta(minutes=minutes))
    assert bank.asked == 2
    (file,) = await town.read(reconciliation.list_files)
    assert (file.day, file.matched) == (DAY, 1)


async def test_a_file_that_was_stored_in_part_is_fetched_again_and_goes_on(
    town: "Town", bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RANGE_LINES", 1)
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, f"{at + 1}.00") for at in range(3)]
    bank.files["2026-11-23"] = write_file([line(each) for each in orders])
    half = await store_half(town, bank.files["2026-11-23"], NIGHT)
    assert half.loaded == 2
    await fetch(town, bank, NIGHT)
    (file,) = await town.read(reconciliation.list_files)
    assert (file.id, file.matched) == (half.id, 3)


async def test_a_bad_file_or_a_channel_that_is_away_leaves_the_night_to_the_next_try(
    town: "Town", bank: Bank
) -> None:
    bank.files["2026-11-23"] = b"<html>maintenance</html>"
    await fetch(town, bank, NIGHT)
    await reconciliation.fetch_night(
        town.database, {"bank": "http://127.0.0.1:9"}, rulebook=Rulebook.load(), now=NIGHT
    )
    assert await town.read(reconciliation.list_files) == []


async def test_more_bytes_than_are_read_are_refused(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_BYTES_MAX", 1_000)
    bank.files["2026-11-23"] = b"x" * 1_001
    with pytest.raises(reconciliation.ChannelFileTooLarge):
        await reconciliation.fetch_file(bank.url, DAY)
    with pytest.raises(ChannelFault, match="404"):
        await reconciliation.fetch_file(bank.url, date(2026, 1, 1))
