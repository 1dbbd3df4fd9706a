"""The totals of answers, and the collector that waits while code is loaded."""

import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

from huitong.kernel.answers import Answers, AnswerTally
from huitong.kernel.collector import pausing_collector


def test_counts_all_answers_errors_and_what_took_more_than_a_second() -> None:
    tally = AnswerTally()
    assert tally.read() == Answers()
    for status, seconds in ((200, 0.1), (499, 1.0), (500, 1.001), (0, 5.0), (503, 0.0)):
        tally.note(status, seconds)
    assert tally.read() == Answers(requests=5, server_errors=2, slow=2)


def test_threads_lose_no_answer() -> None:
    tally = AnswerTally()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: [tally.note(503, 2.0) for _ in range(2_000)], range(4)))
    assert tally.read() == Answers(8_000, 8_000, 8_000)


def test_the_collector_waits_and_goes_on_also_after_a_failure() -> None:
    def load() -> None:
        with pausing_collector():
            assert not gc.isenabled()
        assert not gc.isenabled(), "the outer block still loads"
        raise LookupError

    with pytest.raises(LookupError), pausing_collector():
        load()
    assert gc.isenabled()
