"""Signed contracts of loans: what was signed, and the paper of it that proves itself.

The signature covers the SHA-256 of the contract's content; the paper shows that content, carries
it in its last line, and is sealed over every byte by the keys of the home.
"""

from huitong.lending.contracts.errors import ContractChanged, ContractNotFound, ContractUnreadable
from huitong.lending.contracts.paper import check_contract, draw_contract, read_contract_file
from huitong.lending.contracts.queries import get_signed_contract
from huitong.lending.contracts.types import ContractSeals, SignedContract

__all__ = [
    "ContractChanged",
    "ContractNotFound",
    "ContractSeals",
    "ContractUnreadable",
    "SignedContract",
    "check_contract",
    "draw_contract",
    "get_signed_contract",
    "read_contract_file",
]
