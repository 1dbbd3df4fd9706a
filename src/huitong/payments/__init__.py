"""Payments: orders and their life, codes, refunds, shares, the bank channel."""

from huitong.payments.instant import InstantPayment, InstantPayments

__all__ = ["InstantPayment", "InstantPayments"]
