"""The paper of a signed contract: PDF of A4, the same bytes whenever it is made for one name.

Its last line is a comment of PDF with the content that was signed and a keyed seal over every byte
before it, so that a file by itself shows whether it is as it was made.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from huitong.kernel.papers import PdfWriter
from huitong.lending.applications import digest_contract
from huitong.lending.contracts import limits
from huitong.lending.contracts.errors import ContractChanged, ContractUnreadable
from huitong.lending.contracts.layout import draw_pages
from huitong.lending.contracts.texts import Text
from huitong.lending.contracts.types import ContractSeals, SignedContract

_TAIL: Final = re.compile(
    rb"%huitong-loan-contract ([1-9][0-9]{0,8}) ([A-Za-z0-9+/=]+) ([0-9a-f]{64})\n\Z"
)


def draw_contract(seals: ContractSeals, signed: SignedContract, *, borrower: str) -> bytes:
    """Return the paper of a contract as PDF, sealed; `borrower` is the name that it shows."""
    writer = PdfWriter(
        title=f"{Text.CONTRACT.zh} {signed.digest.hex()[:16]}", moment=signed.signed_at
    )
    pages = draw_pages(signed, borrower, writer.subset)
    body = writer.begin() + b"".join(writer.add_page(page) for page in pages) + writer.end()
    number = seals.newest
    said = base64.b64encode(msgspec.json.encode(dict(signed.content))).decode()
    body += f"%huitong-loan-contract {number} {said} ".encode()
    return body + f"{seals.make_seal(number, body)}\n".encode()


def check_contract(seals: ContractSeals, paper: bytes) -> tuple[Mapping[str, Any], bytes]:
    """Return the content of a file that is, to the byte, a contract of ours, and its SHA-256.

    Raises ContractUnreadable for anything else, and ContractChanged for a contract of which a byte
    is another, or that a home with other keys has made.
    """
    found = _TAIL.search(paper[-limits.CONTRACT_TAIL_BYTES :])
    if found is None or len(paper) > limits.CONTRACT_BYTES_MAX:
        raise ContractUnreadable("the file has no seal of ours at its end", field="file")
    seal = found[3].decode()
    try:
        expected = seals.make_seal(int(found[1]), paper[: -len(seal) - 1])
        if not hmac.compare_digest(expected, seal):
            raise ContractChanged("its bytes are not those that we made", field="file")
        said = base64.b64decode(found[2], validate=True)
        content: dict[str, Any] = msgspec.json.decode(said, type=dict[str, Any])
    except KeyError:
        raise ContractChanged("it names a key that this home lacks", field="file") from None
    except (binascii.Error, msgspec.DecodeError):
        raise ContractChanged("what it says cannot be read", field="file") from None
    return content, digest_contract(content)


def read_contract_file(path: Path) -> bytes:
    """Return the bytes of a file; raises ContractUnreadable for one larger than contracts are."""
    with path.open("rb") as source:
        paper = source.read(limits.CONTRACT_BYTES_MAX + 1)
    if len(paper) > limits.CONTRACT_BYTES_MAX:
        raise ContractUnreadable("the file is larger than a contract", field="file")
    return paper
