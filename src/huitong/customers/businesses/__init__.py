"""Businesses that become merchants: who they are, and which people stand behind them.

Owns the evidence of a business, the calculation of beneficial owners through chains of ownership
(pure), and storing both sealed. The command that registers one is in `customers.commands`.
"""
