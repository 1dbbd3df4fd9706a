"""The bank of the loans' tests."""

from tests.lending.loans.conftest import bank

__all__ = ["bank"]
