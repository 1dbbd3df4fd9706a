"""The process of the picture desk: `python -m huitong.customers.evidence.picture_desk.process`.

Reads tasks from its standard input and writes answers to its standard output until the input ends.
It has no settings, no network and no database, and it logs nothing: what it sees is personal.
"""

import os
import resource
import sys
from typing import BinaryIO, Final

import msgspec

from huitong.customers.evidence.face import compare_faces
from huitong.customers.evidence.id_card import RapidTextReader, read_card
from huitong.customers.evidence.passport import read_passport
from huitong.customers.evidence.picture_desk import messages
from huitong.kernel import limits

# Reading a card must not take the processor from payments.
_NICENESS: Final = 5
_TASK_BYTES_MAX: Final = 2 * limits.PICTURE_BYTES_MAX + 65_536


def main() -> None:
    """Serve tasks until the input ends."""
    os.nice(_NICENESS)
    _renounce()
    answers = _take_standard_output()
    answers.write(messages.pack(messages.ANSWERED, b""))
    decoder = msgspec.msgpack.Decoder(messages.Task)
    while True:
        header = sys.stdin.buffer.read(messages.HEADER.size)
        if len(header) < messages.HEADER.size:
            return
        length, _ = messages.HEADER.unpack(header)
        assert length <= _TASK_BYTES_MAX, "the desk checks sizes before it sends"
        answers.write(_answer(decoder.decode(sys.stdin.buffer.read(length))))


def _renounce() -> None:
    """Give up what the work does not need: files to write, cores to leave, memory without end."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    memory = limits.PICTURE_PROCESS_BYTES_MAX
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _take_standard_output() -> BinaryIO:
    """Return the pipe to the desk; whatever a library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _answer(task: messages.Task) -> bytes:
    try:
        result = _work(task)
    except Exception as error:  # noqa: BLE001 - the edge of this process: the desk raises the fault
        # The kind only: the text of an exception may hold what was read.
        return messages.pack(messages.FAILED, type(error).__name__.encode())
    return messages.pack(messages.ANSWERED, msgspec.msgpack.encode(result))


def _work(task: messages.Task) -> object:
    if isinstance(task, messages.ReadCard):
        return read_card(task.content, RapidTextReader(), side=task.side, field=task.field)
    if isinstance(task, messages.ReadPassport):
        return read_passport(
            task.content, RapidTextReader(is_turning=False), today=task.today, field=task.field
        )
    return compare_faces(task.document, task.selfie, threshold=task.threshold)


if __name__ == "__main__":
    main()
