"""The desk and its process: work off the loop, time-outs, crashes, too many, nothing to do."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from huitong.customers import (
    CardSide,
    CardVerdict,
    FindingCode,
    PictureDesk,
    PictureDeskBusy,
    PictureDeskFailed,
    SimulatedFaceComparison,
    choose_face_comparison,
    compare_card,
)
from huitong.customers.evidence.picture_desk import desk as desk_module
from huitong.customers.evidence.picture_desk import messages
from huitong.demo.id_cards import encode_jpeg
from huitong.demo.portraits import draw_portrait
from huitong.kernel import limits

PICTURE = encode_jpeg(draw_portrait(1))


@pytest.fixture
def pretend(monkeypatch, tmp_path: Path):
    """Puts a small program in the place of the desk's process; it gets tasks and says anything."""

    def use(body: str) -> None:
        program = tmp_path / "program.py"
        answer = messages.pack(messages.ANSWERED, b"")
        program.write_text(
            "import sys, time, os\n"
            f"sys.stdout.buffer.write({answer!r}); sys.stdout.buffer.flush()\n"
            f"sys.stdin.buffer.read({messages.HEADER.size})\n{body}\n",
            encoding="utf-8",
        )
        start = asyncio.create_subprocess_exec

        async def start_pretender(*_: str, **more):
            return await start(sys.executable, str(program), **more)

        monkeypatch.setattr(desk_module.asyncio, "create_subprocess_exec", start_pretender)

    return use


async def test_a_card_and_a_face_go_through_the_process_while_the_loop_runs(cards) -> None:
    front = encode_jpeg(cards.draw(130, CardSide.FRONT))
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    beating = asyncio.create_task(beat())
    async with PictureDesk() as desk:
        assert desk.process_id is None
        reading = await desk.read_card(front, side=CardSide.FRONT)
        first = desk.process_id
        typed = cards.typed(130, CardSide.FRONT)
        assert compare_card(reading, typed).verdict is CardVerdict.MATCHED
        selfie = encode_jpeg(draw_portrait(130, pose=1))
        assert (await desk.compare(document=front, selfie=selfie)).is_match
        assert desk.process_id == first
        process = psutil.Process(first)
        environment = process.environ()
        bounds = [process.rlimit(each) for each in (psutil.RLIMIT_FSIZE, psutil.RLIMIT_CORE)]
        memory = process.rlimit(psutil.RLIMIT_AS)
        connections = process.net_connections()
    beating.cancel()
    assert beats > 20
    assert "HUITONG_DATABASE_URL" not in environment
    assert "PATH" not in environment
    assert bounds == [(0, 0), (0, 0)]
    assert memory == (limits.PICTURE_PROCESS_BYTES_MAX,) * 2
    assert connections == []
    assert not psutil.pid_exists(first)


async def test_what_is_no_picture_is_refused_without_a_process() -> None:
    async with PictureDesk() as desk:
        reading = await desk.read_card(b"GIF89a", field="front")
        faces = await desk.compare(document=PICTURE, selfie=b"")
        assert desk.process_id is None
    assert [finding.code for finding in reading.findings] == [FindingCode.PICTURE_TYPE_REFUSED]
    assert [finding.code for finding in faces.findings] == [FindingCode.PICTURE_MISSING]


async def test_a_process_that_takes_too_long_is_killed(pretend) -> None:
    pretend("time.sleep(60)")
    async with PictureDesk(seconds_max=0.3) as desk:
        with pytest.raises(PictureDeskFailed) as failed:
            await desk.read_card(PICTURE)
        assert failed.value.retryable
        assert desk.process_id is None
        with pytest.raises(PictureDeskFailed):
            await desk.read_card(PICTURE)


@pytest.mark.parametrize(
    "body",
    [
        "os.abort()",
        "sys.exit(0)",
        "sys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff\\x01'); sys.stdout.buffer.flush()",
        "sys.stdout.buffer.write(b'\\x00\\x00\\x00\\x05\\x00Oops!'); sys.stdout.buffer.flush()",
    ],
)
async def test_a_process_that_fails_is_a_fault_and_replaced(pretend, body: str) -> None:
    pretend(body)
    async with PictureDesk(seconds_max=5) as desk:
        with pytest.raises(PictureDeskFailed):
            await desk.read_card(PICTURE)
        assert desk.process_id is None


async def test_a_caller_that_gives_up_takes_the_process_with_it(pretend) -> None:
    pretend("time.sleep(60)")
    async with PictureDesk() as desk:
        task = asyncio.create_task(desk.read_card(PICTURE))
        while desk.process_id is None:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)
        process_id = desk.process_id
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert desk.process_id is None
        assert not psutil.pid_exists(process_id)


async def test_too_many_pictures_are_turned_away_at_once(pretend) -> None:
    pretend("time.sleep(60)")
    async with PictureDesk(waiting_max=2, seconds_max=0.5) as desk:
        waiting = [asyncio.create_task(desk.read_card(PICTURE)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(PictureDeskBusy):
            await desk.read_card(PICTURE)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [PictureDeskFailed] * 2


async def test_a_process_with_nothing_to_do_gives_its_memory_back() -> None:
    async with PictureDesk(idle_seconds=0.2) as desk:
        await desk.compare(document=PICTURE, selfie=PICTURE)
        process_id = desk.process_id
        assert process_id is not None
        for _ in range(100):
            if not psutil.pid_exists(process_id):
                break
            await asyncio.sleep(0.05)
        assert not psutil.pid_exists(process_id)
        assert (await desk.compare(document=PICTURE, selfie=PICTURE)).is_match
        # The process may also end by another hand between two pictures.
        os.kill(desk.process_id, signal.SIGKILL)
        await asyncio.sleep(0.3)
        assert (await desk.compare(document=PICTURE, selfie=PICTURE)).is_match


async def test_the_setting_chooses_who_compares_faces() -> None:
    async with PictureDesk() as desk:
        assert choose_face_comparison("local", desk) is desk
        assert isinstance(choose_face_comparison("simulated", desk), SimulatedFaceComparison)
        with pytest.raises(ValueError, match="local and simulated"):
            choose_face_comparison("cloud", desk)
