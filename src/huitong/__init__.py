"""Huitong 汇通: an internet-finance platform on one double-entry ledger."""
