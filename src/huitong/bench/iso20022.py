"""`bench iso20022`: reading, checking, mapping and writing pacs.008; one core, no database."""

import io
import random
import time
import uuid
from collections.abc import Callable
from itertools import cycle
from typing import Final

from huitong.bench import naive_iso20022
from huitong.bench.machine import describe_machine
from huitong.bench.types import BenchmarkFailed, Options, Result, Rounds, Target
from huitong.payments import read_message, write_message

MESSAGES: Final = 1_000
_ROUNDS: Final = 5
_TARGETS: Final = (Target(figure="read_per_second", value=3_000),)
_NOTES: Final = (
    "Each message is a pacs.008.001.12 with one transfer. `read` checks everything that "
    "`huitong iso20022 check` does and makes the typed values; `naive` builds a tree, looks up "
    "14 fields and checks nothing. Time is that of the process, so other work on the machine does "
    "not count as ours."
)
_BANK: Final = (
    "<FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>102100099996</MmbId>"
    "</ClrSysMmbId></FinInstnId>"
)
_MESSAGE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.12"><FIToFICstmrCdtTrf>'
    "<GrpHdr><MsgId>{id}</MsgId><CreDtTm>2026-11-26T09:30:00+08:00</CreDtTm><NbOfTxs>1</NbOfTxs>"
    "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr><CdtTrfTxInf><PmtId>"
    "<EndToEndId>E{id}</EndToEndId><TxId>T{id}</TxId><UETR>{uetr}</UETR></PmtId>"
    '<IntrBkSttlmAmt Ccy="CNY">{amount}</IntrBkSttlmAmt><IntrBkSttlmDt>2026-11-26</IntrBkSttlmDt>'
    "<ChrgBr>SLEV</ChrgBr><Dbtr><Nm>张三{id}</Nm></Dbtr>"
    "<DbtrAcct><Id><Othr><Id>6222{id}</Id></Othr></Id></DbtrAcct>"
    f"<DbtrAgt>{_BANK}</DbtrAgt><CdtrAgt>{_BANK}</CdtrAgt>"
    "<Cdtr><Nm>杭州第{id}科技有限公司</Nm></Cdtr>"
    "<CdtrAcct><Id><Othr><Id>3301{id}</Id></Othr></Id></CdtrAcct><Purp><Cd>GDDS</Cd></Purp>"
    "<RmtInf><Ustrd>货款 {id}</Ustrd></RmtInf></CdtTrfTxInf></FIToFICstmrCdtTrf></Document>"
)


def make_messages(count: int, seed: int) -> list[bytes]:
    """Return `count` made-up messages, the same for each seed."""
    chance = random.Random(seed)  # noqa: S311 - it is to be repeatable
    return [
        _MESSAGE.format(
            id=f"{chance.randrange(10**12):012}",
            uetr=uuid.UUID(int=chance.getrandbits(128), version=4),
            amount=f"{chance.randrange(1, 10**6)}.{chance.randrange(100):02}",
        ).encode()
        for _ in range(count)
    ]


def measure(options: Options) -> Result:
    """Measure the ways in turns. Raises BenchmarkFailed if a message does not come back whole."""
    messages = make_messages(options.scaled(MESSAGES, least=10), options.seed)
    read = [read_message(io.BytesIO(each)) for each in messages]
    for each in read:
        if read_message(io.BytesIO(write_message(each.body))) != each:
            raise BenchmarkFailed("a message was not read as it was written")
    ways: dict[str, Callable[[int], object]] = {
        "read_per_second": lambda at: read_message(io.BytesIO(messages[at])),
        "written_per_second": lambda at: write_message(read[at].body),
        "naive_per_second": lambda at: naive_iso20022.read(messages[at]),
    }
    rounds = Rounds()
    options.say(f"reading and writing {len(messages):,} messages in turns")
    for _ in range(_ROUNDS):
        for name, run in ways.items():
            rounds.add(name, _rate(run, len(messages), options.seconds / _ROUNDS / len(ways)))
    return Result(
        name="iso20022",
        title="ISO 20022 messages",
        figures={
            "read_per_second": rounds.median("read_per_second"),
            "written_per_second": rounds.median("written_per_second"),
            "bytes_in_a_message": len(messages[0]),
        },
        baselines={"naive_per_second": rounds.median("naive_per_second")},
        machine=describe_machine(),
        details={"rounds": rounds.shown(), "notes": _NOTES},
        targets=_TARGETS,
    )


def _rate(run: Callable[[int], object], count: int, seconds: float) -> float:
    """Return how often `run` ends in a second of this process's time."""
    done = 0
    end = time.monotonic() + seconds
    start = time.process_time()
    for at in cycle(range(count)):
        run(at)
        done += 1
        if time.monotonic() >= end:
            break
    return done / (time.process_time() - start)
