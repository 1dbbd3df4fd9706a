"""The load generator: a closed loop over kept-alive connections, cheap enough to share the machine.

It runs in a process of its own on bare sockets and epoll, with requests that were encoded before,
because an HTTP client library would take more of the two processors than the server under test.
Each connection has one request under way; the next one leaves when its answer is whole.
"""

import gc
import pickle
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

_READ_BYTES: Final = 4_096
_CONNECT_TIMEOUT_SECONDS: Final = 10
_ANSWER_TIMEOUT_SECONDS: Final = 30
_EXAMPLES_MAX: Final = 5
_EXAMPLE_BYTES_MAX: Final = 600
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH_NAME: Final = b"\r\ncontent-length:"
_STATUS: Final = slice(9, 12)
_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000
_NANOSECONDS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What to send where: whole encoded requests, each of them sent at most once, in order."""

    host: str
    port: int
    connections: int
    seconds: float
    requests: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadReport:
    """What came back. `seconds` runs from the first request to the last answer."""

    seconds: float
    latencies_ns: NDArray[np.int64]
    by_status: dict[int, int]
    #: Connections that ended before their answer was whole, or whose answer was not HTTP.
    broken_connections: int
    #: Requests that were sent and never answered; whether they were carried out is unknown.
    unanswered: int
    #: Whether the requests ran out before the time did.
    ran_out: bool
    cpu_seconds: float
    #: The first answers with a status of 400 or more.
    examples: tuple[bytes, ...]

    @property
    def answers(self) -> int:
        """How many requests were answered, whatever the answer."""
        return len(self.latencies_ns)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.answers / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """Return the latency in milliseconds that `percent` of the answers did not exceed."""
        if not self.answers:
            return float("nan")
        return float(np.percentile(self.latencies_ns, percent)) / _NANOSECONDS_PER_MILLISECOND

    @property
    def cpu_us_per_request(self) -> float:
        """What the generator itself cost: processor time for each answer, in microseconds."""
        return self.cpu_seconds * 1e6 / self.answers if self.answers else 0.0


class _NotHttp(Exception):
    """The peer sent something that is not an HTTP/1.1 answer with a content-length."""


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    sent_ns: int = 0
    partial: bytes = b""


@dataclass(slots=True)
class _Tally:
    latencies_ns: list[int] = field(default_factory=list)
    by_status: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    ran_out: bool = False
    examples: list[bytes] = field(default_factory=list)


def run_load_in_process(plan: LoadPlan) -> LoadReport:
    """Carry out `plan` in a process of its own and return its report.

    Raises RuntimeError with what the process said if it ended without one.
    """
    finished = subprocess.run(
        [sys.executable, "-m", "huitong.bench.load_process"],
        input=pickle.dumps(plan),
        capture_output=True,
        check=False,
    )
    if finished.returncode != 0:
        raise RuntimeError(
            f"the load generator ended without a report: {finished.stderr.decode()[-2_000:]}"
        )
    report = pickle.loads(finished.stdout)  # noqa: S301 - written by our own child
    assert isinstance(report, LoadReport)
    return report


def run_load(plan: LoadPlan) -> LoadReport:
    """Send the plan's requests over its connections until its time or its requests are over.

    Raises OSError if a connection cannot be made at all. One that breaks later is counted and
    not made again; the others go on.
    """
    connections = [_connect(plan) for _ in range(plan.connections)]
    poll = select.epoll()
    # The collector would stop the loop for milliseconds, and that would be somebody's p99.
    gc.collect()
    gc.disable()
    try:
        return _run(plan, connections, poll)
    finally:
        gc.enable()
        poll.close()
        for connection in connections:
            connection.socket.close()


def _run(plan: LoadPlan, connections: list[_Connection], poll: select.epoll) -> LoadReport:
    tally = _Tally()
    requests = iter(plan.requests)
    waiting: dict[int, _Connection] = {}
    cpu_at_start = time.process_time()
    started_ns = last_ns = time.perf_counter_ns()
    deadline_ns = started_ns + int(plan.seconds * _NANOSECONDS_PER_SECOND)
    for connection in connections:
        try:
            if not _send_next(connection, requests, tally):
                break
        except OSError:
            tally.broken += 1
            continue
        poll.register(connection.socket, select.EPOLLIN)
        waiting[connection.socket.fileno()] = connection
    while waiting:
        ready = poll.poll(_ANSWER_TIMEOUT_SECONDS)
        if not ready:
            break
        for number, _ in ready:
            connection = waiting[number]
            try:
                if not _receive(connection, tally):
                    continue
                last_ns = time.perf_counter_ns()
                tally.latencies_ns.append(last_ns - connection.sent_ns)
                if last_ns < deadline_ns and _send_next(connection, requests, tally):
                    continue
            except (OSError, _NotHttp):
                tally.broken += 1
            del waiting[number]
            poll.unregister(number)
    return LoadReport(
        seconds=(last_ns - started_ns) / _NANOSECONDS_PER_SECOND,
        latencies_ns=np.array(tally.latencies_ns, np.int64),
        by_status=dict(tally.by_status),
        broken_connections=tally.broken,
        unanswered=tally.broken + len(waiting),
        ran_out=tally.ran_out,
        cpu_seconds=time.process_time() - cpu_at_start,
        examples=tuple(tally.examples),
    )


def _connect(plan: LoadPlan) -> _Connection:
    made = socket.create_connection((plan.host, plan.port), timeout=_CONNECT_TIMEOUT_SECONDS)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    return _Connection(made)


def _send_next(connection: _Connection, requests: Iterator[bytes], tally: _Tally) -> bool:
    """Send the next request; False when there is none left."""
    request = next(requests, None)
    if request is None:
        tally.ran_out = True
        return False
    connection.sent_ns = time.perf_counter_ns()
    if connection.socket.send(request) != len(request):
        # A socket with nothing under way takes a request of a few hundred bytes whole.
        raise BrokenPipeError("a request did not fit into the socket's buffer")
    return True


def _receive(connection: _Connection, tally: _Tally) -> bool:
    """Read what has come; True when the answer is whole, and then it is counted."""
    # Only called when something is there to read, so this never blocks.
    chunk = connection.socket.recv(_READ_BYTES)
    if not chunk:
        raise ConnectionResetError("the server closed the connection before its answer")
    answer = connection.partial + chunk if connection.partial else chunk
    head_end = answer.find(_HEAD_END)
    if head_end < 0:
        connection.partial = answer
        return False
    body_start = head_end + len(_HEAD_END)
    whole = body_start + _content_length(answer[:body_start])
    if len(answer) < whole:
        connection.partial = answer
        return False
    if len(answer) > whole:
        raise _NotHttp("more bytes than the answer was said to have")
    connection.partial = b""
    status = int(answer[_STATUS])
    tally.by_status[status] += 1
    if status >= 400 and len(tally.examples) < _EXAMPLES_MAX:  # noqa: PLR2004 - HTTP's errors
        tally.examples.append(answer[:_EXAMPLE_BYTES_MAX])
    return True


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(_LENGTH_NAME)
    status = head[_STATUS]
    if not head.startswith(b"HTTP/1.") or not status.isdigit() or start < 0:
        raise _NotHttp(f"not an answer that this generator reads: {head[:80]!r}")
    start += len(_LENGTH_NAME)
    text = lowered[start : lowered.index(b"\r\n", start)].strip()
    if not text.isdigit():
        raise _NotHttp(f"a content-length that is no number: {text!r}")
    return int(text)
