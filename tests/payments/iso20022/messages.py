"""Messages for tests: one worked example in XML, and values of any message by its table."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from msgspec import Struct, structs

from huitong.kernel.money import Money
from huitong.payments.iso20022.schema import GENERATIONS, Node, find_schema
from huitong.payments.iso20022.types import Agent, Batch

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
NEWEST = [f"{kind}.001.{[*versions][-1]}" for kind, versions in GENERATIONS.items()]
BANK = (
    "<FinInstnId><ClrSysMmbId><ClrSysId><Cd>CNAPS</Cd></ClrSysId><MmbId>102100099996</MmbId>"
    "</ClrSysMmbId></FinInstnId>"
)
TRANSFER = (
    "<CdtTrfTxInf><PmtId><EndToEndId>E1</EndToEndId>"
    "<UETR>8a562c67-ca16-48ba-b074-65581be6f001</UETR></PmtId>"
    '<IntrBkSttlmAmt Ccy="CNY">10.50</IntrBkSttlmAmt><ChrgBr>SLEV</ChrgBr>'
    f"<Dbtr><Nm>张三</Nm></Dbtr><DbtrAgt>{BANK}</DbtrAgt><CdtrAgt>{BANK}</CdtrAgt>"
    "<Cdtr><Nm>Li &amp; Co</Nm></Cdtr><CdtrAcct><Id><IBAN>GB82WEST12345698765432</IBAN></Id>"
    "</CdtrAcct></CdtTrfTxInf>"
)
HEADER = (
    "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-26T21:00:00+08:00</CreDtTm><NbOfTxs>1</NbOfTxs>"
    '<TtlIntrBkSttlmAmt Ccy="CNY">10.50</TtlIntrBkSttlmAmt>'
    "<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>"
)


def document(body: str, message: str = "pacs.008.001.12") -> bytes:
    return f'<Document xmlns="{NAMESPACE}{message}">{body}</Document>'.encode()


def transfers(*, header: str = HEADER, body: str = TRANSFER) -> bytes:
    return document(f"<FIToFICstmrCdtTrf>{header}{body}</FIToFICstmrCdtTrf>")


_ZONES = st.one_of(
    st.none(), st.integers(-13 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))
)
_LETTERS = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
_LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "iban": st.sampled_from(["GB82WEST12345698765432", "DE89370400440532013000"]),
    "bic": st.sampled_from(["DEUTDEFF", "DEUTDEFF500", "ICBKCNBJ"]),
    "lei": st.sampled_from(["213800KUD8LAJWSQ9D15"]),
    "uetr": st.uuids(version=4).map(str),
    "money": st.builds(
        Money, st.integers(0, 10**17), st.sampled_from(["CNY", "USD", "JPY", "KWD"])
    ),
    "count": st.integers(0, 99_999),
    "number": st.integers(-(10**17), 10**17),
    "decimal": st.integers(1, 10**11).map(lambda number: Decimal(number).scaleb(-10)),
    "date": st.dates(date(1900, 1, 1)),
    "datetime": st.datetimes(datetime(1900, 1, 1), timezones=_ZONES),  # noqa: DTZ001
    "boolean": st.booleans(),
    "country": st.sampled_from(["CN", "GB"]),
    "currency": st.sampled_from(["CNY", "EUR"]),
}


def _leaf(kind: str) -> st.SearchStrategy[Any]:
    if kind in _LEAVES:
        return _LEAVES[kind]
    if "/" in kind:
        return st.sampled_from(kind.split("/"))
    if kind.startswith("code"):
        return st.text("ABCXYZ", min_size=1, max_size=int(kind[4:]))
    return st.text(_LETTERS, min_size=1, max_size=int(kind[4:]))


@st.composite
def _record(draw: st.DrawFn, node: Node) -> Struct:
    values: dict[str, Any] = {}
    _draw_children(draw, node, values)
    assert node.record is not None
    made = node.record(**values)
    # The two rules between fields; what they refuse has tests of its own.
    if isinstance(made, Agent) and made.clearing_system == "CNAPS":
        return structs.replace(made, member="102100099996")
    if isinstance(made, Batch):
        return structs.replace(made, count=None, control_sum=None)
    return made


def _draw_children(draw: st.DrawFn, node: Node, values: dict[str, Any]) -> None:
    choices: dict[int, list[Node]] = {}
    for child in node.ordered:
        if not child.passed:
            choices.setdefault(child.place, []).append(child)
    for alternatives in choices.values():
        child = draw(st.sampled_from(alternatives))
        # Half of all optional elements are there, and at most two of those that repeat.
        if not child.required and not draw(st.booleans()):
            continue
        if child.record is not None or child.data is not None:
            value = _record(child) if child.record is not None else _leaf(child.kind)
            several = st.lists(value, min_size=1, max_size=2).map(tuple)
            values[child.field] = draw(several if child.many else value)
        else:
            _draw_children(draw, child, values)


def bodies(message: str) -> st.SearchStrategy[Struct]:
    """Any value of a message whose header counts what is there."""
    return _record(find_schema(message).ordered[0]).map(_count)


def _count(body: Any) -> Struct:
    header = body.header
    if not hasattr(header, "count"):
        return structs.replace(body)
    for field in ("transfers", "returns"):
        if hasattr(body, field):
            fixed = structs.replace(
                header, count=len(getattr(body, field)), control_sum=None, total=None
            )
            return structs.replace(body, header=fixed)
    count = sum(len(each.instructions) for each in body.batches)
    return structs.replace(body, header=structs.replace(header, count=count, control_sum=None))
