"""The plain way to map a pacs.008: a tree of the whole file, and a path for each field."""

from decimal import Decimal
from typing import Any, Final
from xml.etree import ElementTree as ET

_PATHS: Final = {
    "end_to_end_id": "PmtId/EndToEndId",
    "transaction_id": "PmtId/TxId",
    "uetr": "PmtId/UETR",
    "settlement_date": "IntrBkSttlmDt",
    "charge_bearer": "ChrgBr",
    "debtor": "Dbtr/Nm",
    "debtor_account": "DbtrAcct/Id/Othr/Id",
    "debtor_agent": "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId",
    "creditor_agent": "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId",
    "creditor": "Cdtr/Nm",
    "creditor_account": "CdtrAcct/Id/Othr/Id",
    "purpose": "Purp/Cd",
    "remittance": "RmtInf/Ustrd",
}


def read(data: bytes) -> list[dict[str, Any]]:
    """Return the transfers of a message of the benchmark's own making, nothing checked."""
    # Only what the benchmark wrote itself is parsed here.
    root = ET.fromstring(data)  # noqa: S314
    space = root.tag.partition("}")[0] + "}"
    found = []
    for transfer in root.iter(f"{space}CdtTrfTxInf"):
        values: dict[str, Any] = {
            name: transfer.findtext("/".join(f"{space}{step}" for step in path.split("/")))
            for name, path in _PATHS.items()
        }
        amount = transfer.find(f"{space}IntrBkSttlmAmt")
        assert amount is not None
        values["amount"] = (Decimal(amount.text or ""), amount.get("Ccy"))
        found.append(values)
    return found
