"""Every scope that an API key may have, with what it lets the key do."""

from collections.abc import Mapping
from typing import Final

SCOPES: Final[Mapping[str, str]] = {
    "accounts:read": "Read accounts, balances and statements",
    "accounts:write": "Freeze, unfreeze and close accounts",
    "channels:simulate": "Top up and withdraw through the simulated bank channel",
    "customers:manage": "Freeze, review and close customers, and raise their class",
    "customers:read": "Read customers",
    "customers:write": "Open customers and their accounts",
    "keys:write": "Issue and revoke API keys",
    "ledger:read": "Read the journal, its transparency log and the trial balance",
    "merchants:read": "Read merchants",
    "merchants:write": "Open merchants",
    "onboarding:decide": "Approve and refuse applications that wait for staff",
    "onboarding:read": "Read applications and what was found about them, masked",
    "onboarding:write": "Apply for accounts on behalf of people",
    "payments:read": "Read payment orders, refunds, shares and codes",
    "payments:write": "Pay, collect, authorise, share, make codes",
    "privacy:read": "Read consents, requests about data, and who read it",
    "privacy:write": "Give and withdraw consents, make requests about data, fetch copies",
    "refunds:write": "Refund payments",
}
