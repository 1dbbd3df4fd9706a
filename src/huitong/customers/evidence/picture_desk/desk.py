"""The desk's counter: takes pictures off the event loop to the process that works on them."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from datetime import date
from typing import Final, Self, TypeVar

import msgspec

from huitong.customers.evidence.face import (
    FACE_DISTANCE_MAX,
    FaceComparison,
    FaceResult,
    SimulatedFaceComparison,
)
from huitong.customers.evidence.id_card import CardReading, CardSide
from huitong.customers.evidence.passport import PassportReading
from huitong.customers.evidence.picture_desk import messages
from huitong.customers.evidence.pictures import check_upload
from huitong.kernel import limits
from huitong.kernel.errors import Fault

ResultT = TypeVar("ResultT")

_PROCESS: Final = "huitong.customers.evidence.picture_desk.process"
_THREADS: Final = {"OMP_NUM_THREADS": str(limits.PICTURE_THREADS_MAX)}


class PictureDeskBusy(Fault):
    """As many pictures wait as may wait."""

    code = "picture_desk_busy"
    title = "Too many pictures are waiting to be read"


class PictureDeskFailed(Fault):
    """The process took too long, ended, or could not do its work."""

    code = "picture_desk_failed"
    title = "A picture could not be worked on"


class PictureDesk:
    """One process for pictures, one picture at a time. Use it as an asynchronous context.

    All tasks raise PictureDeskBusy at once when too many wait, and PictureDeskFailed when the
    process took longer than `seconds_max` or ended; the next picture gets a new process.
    """

    def __init__(
        self,
        *,
        seconds_max: float = limits.PICTURE_SECONDS_MAX,
        waiting_max: int = limits.PICTURES_WAITING_MAX,
        idle_seconds: float = limits.PICTURE_IDLE_SECONDS_MAX,
        face_distance_max: float = FACE_DISTANCE_MAX,
    ) -> None:
        """Prepare a desk; no process starts before the first picture."""
        self._seconds_max = seconds_max
        self._waiting_max = waiting_max
        self._idle_seconds = idle_seconds
        self._face_distance_max = face_distance_max
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def read_card(
        self, content: bytes, *, side: CardSide | None = None, field: str = "picture"
    ) -> CardReading:
        """Read one side of an identity card; see `id_card.read_card`."""
        finding = check_upload(content, field=field)
        if finding is not None:
            return CardReading(side=None, findings=(finding,))
        task = messages.ReadCard(content=content, side=side, field=field)
        return await self._do(task, CardReading)

    async def read_passport(
        self, content: bytes, *, today: date, field: str = "picture"
    ) -> PassportReading:
        """Read the lines for machines of a passport; see `passport.read_passport`."""
        finding = check_upload(content, field=field)
        if finding is not None:
            return PassportReading(zone=None, findings=(finding,))
        task = messages.ReadPassport(content=content, today=today, field=field)
        return await self._do(task, PassportReading)

    async def compare(self, *, document: bytes, selfie: bytes) -> FaceResult:
        """Compare two faces; see `face.compare_faces`. This makes the desk a FaceComparison."""
        threshold = self._face_distance_max
        uploads = (("document", document), ("selfie", selfie))
        checked = (check_upload(content, field=field) for field, content in uploads)
        findings = tuple(finding for finding in checked if finding is not None)
        if findings:
            return FaceResult(threshold=threshold, findings=findings)
        task = messages.CompareFaces(document=document, selfie=selfie, threshold=threshold)
        return await self._do(task, FaceResult)

    @property
    def process_id(self) -> int | None:
        """The number of the process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def close(self) -> None:
        """End the process, without waiting for what it does."""
        self._cancel_idle()
        await self._end()
        if self._ending is not None:
            await self._ending

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _do(self, task: messages.Task, kind: type[ResultT]) -> ResultT:
        if self._waiting >= self._waiting_max:
            raise PictureDeskBusy("try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                self._cancel_idle()
                answer = await self._ask(msgspec.msgpack.encode(task))
        finally:
            self._waiting -= 1
        self._plan_idle()
        return msgspec.msgpack.decode(answer, type=kind)

    async def _ask(self, task: bytes) -> bytes:
        try:
            process = await self._start()
            return await asyncio.wait_for(_exchange(process, task), self._seconds_max)
        except (TimeoutError, asyncio.IncompleteReadError, OSError) as error:
            await self._end()
            raise PictureDeskFailed(f"the process failed: {type(error).__name__}") from error
        except BaseException:
            # Given up in the middle of an exchange: the next one would read this one's answer.
            await self._end()
            raise

    async def _start(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # Isolated, and with an empty environment: it has no use for addresses and passwords.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            _PROCESS,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=_THREADS,
        )
        await asyncio.wait_for(_read(self._process), limits.PICTURE_START_SECONDS_MAX)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    def _plan_idle(self) -> None:
        self._cancel_idle()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self._idle_seconds, self._stop_idle)

    def _cancel_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _stop_idle(self) -> None:
        """Give back the memory of a process that has had nothing to do."""
        if self._process is not None and not self._turn.locked():
            self._ending = asyncio.create_task(self._end())


def choose_face_comparison(choice: str, desk: PictureDesk) -> FaceComparison:
    """Return what the setting `face_comparison` asks for: `desk` for local, or the simulation."""
    match choice:
        case "local":
            return desk
        case "simulated":
            return SimulatedFaceComparison()
        case _:
            raise ValueError("the choices are local and simulated")


async def _exchange(process: Process, task: bytes) -> bytes:
    assert process.stdin is not None
    process.stdin.write(messages.pack(messages.ANSWERED, task))
    await process.stdin.drain()
    return await _read(process)


async def _read(process: Process) -> bytes:
    assert process.stdout is not None
    header = await process.stdout.readexactly(messages.HEADER.size)
    length, kind = messages.HEADER.unpack(header)
    if length > limits.PICTURE_ANSWER_BYTES_MAX:
        raise PictureDeskFailed("the answer is too long")
    payload = await process.stdout.readexactly(length)
    if kind == messages.FAILED:
        raise PictureDeskFailed(f"the picture led to {payload.decode()[:64]}")
    return payload
