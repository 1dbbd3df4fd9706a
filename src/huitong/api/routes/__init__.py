"""The routes under /v1, one file for each kind of thing; one domain call a route, no rules."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter

from huitong.api.instant_documentation import describe_instant_payment
from huitong.api.routes import (
    accounts,
    api_keys,
    approvals,
    authorisations,
    bank_channel,
    businesses,
    checkouts,
    codes,
    customer_care,
    customer_restrictions,
    customers,
    identity_credentials,
    identity_log_in,
    identity_sessions,
    identity_sign_up,
    identity_step_up,
    ledger,
    log,
    merchants,
    onboarding,
    onboarding_guardians,
    operations,
    payments,
    privacy,
    risk_decisions,
    risk_lists,
    risk_rules,
    staff_members,
    staff_passkeys,
    staff_people,
    staff_sessions,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    identity_log_in.router,
    identity_sign_up.router,
    identity_sessions.router,
    identity_credentials.router,
    identity_step_up.router,
    staff_sessions.door,
    staff_sessions.router,
    staff_passkeys.door,
    staff_passkeys.router,
    staff_members.router,
    staff_people.router,
    approvals.router,
    api_keys.router,
    customers.router,
    customer_care.router,
    customer_restrictions.router,
    onboarding.router,
    onboarding_guardians.router,
    businesses.router,
    merchants.router,
    accounts.router,
    payments.router,
    checkouts.router,
    codes.router,
    authorisations.router,
    bank_channel.router,
    ledger.router,
    log.router,
    privacy.router,
    risk_decisions.router,
    risk_rules.router,
    risk_lists.router,
    operations.router,
)
#: Path items that are answered outside of the framework.
MORE_DOCUMENTATION: Final[tuple[Mapping[str, Any], ...]] = (describe_instant_payment(),)
