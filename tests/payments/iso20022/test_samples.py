"""Messages of others in JSON: each is read once it is XML, or refused with the element at fault."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from huitong.payments.iso20022 import InvalidMessage, read_message

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
STATUS = ("pacs.002.001.14", "FIToFIPmtStsRpt")
#: By the resource that each page of the source describes. Quotes are asked for by messages that we
#: do not read; and some elements are of a draft of theirs, and in no published schema.
MESSAGES = {
    "transfers_POST": ("pacs.008.001.12", "FIToFICstmrCdtTrf"),
    "fxtransfers_POST": ("pacs.009.001.08", "FICdtTrf"),
    **{
        f"{name}transfers_{verb}": STATUS
        for name in ("", "fx")
        for verb in ("PUT", "PATCH", "error_PUT")
    },
}
QUOTE = ("pacs.081.001.01", "FXRsp")
REFUSED = {
    "transfers_POST": "FIToFICstmrCdtTrf/GrpHdr/PmtInstrXpryDtTm",
    "fxtransfers_POST": "FICdtTrf/GrpHdr/PmtInstrXpryDtTm",
    "transfers_PUT": "FIToFIPmtStsRpt/TxInfAndSts[1]/ExctnConf",
    "fxtransfers_PUT": "FIToFIPmtStsRpt/TxInfAndSts[1]/ExctnConf",
    "transfers_PATCH": "FIToFIPmtStsRpt/TxInfAndSts[1]/TxSts",
    "fxtransfers_PATCH": "FIToFIPmtStsRpt/TxInfAndSts[1]/TxSts",
}


def write_xml(name: str, value: Any) -> str:
    """Write what stands in JSON as elements, in its order; an amount's currency is an attribute."""
    if isinstance(value, list):
        return "".join(write_xml(name, each) for each in value)
    if not isinstance(value, dict):
        return f"<{name}>{value}</{name}>"
    amounts = [each for key, each in value.items() if "CurrencyAndAmount" in key]
    if amounts:
        return f'<{name} Ccy="{value["Ccy"]}">{amounts[0]}</{name}>'
    inner = "".join(write_xml(key, each) for key, each in value.items())
    return f"<{name}>{inner}</{name}>"


def test_json_samples_are_read_or_refused_with_the_element_at_fault(shared_data: Path) -> None:
    file = shared_data / "8-standards/iso20022-json/mojaloop_samples.json"
    samples = json.loads(file.read_text(encoding="utf-8"))
    assert len(samples) == 14
    for sample in samples:
        resource = Path(sample["path"]).stem
        message, root = MESSAGES.get(resource, QUOTE)
        body = write_xml(root, sample["message"])
        content = f'<Document xmlns="{NAMESPACE}{message}">{body}</Document>'.encode()
        if resource not in MESSAGES:
            with pytest.raises(InvalidMessage, match="is not a message that we read"):
                read_message(io.BytesIO(content))
        elif resource in REFUSED:
            with pytest.raises(InvalidMessage) as refused:
                read_message(io.BytesIO(content))
            assert refused.value.field == REFUSED[resource]
        else:
            assert read_message(io.BytesIO(content)).name == message, resource
