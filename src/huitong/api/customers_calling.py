"""Customers who call: the session that their request came with, and who they are."""

import uuid

from huitong import identity
from huitong.api.authentication import Principal


def session_of(principal: Principal) -> identity.Session:
    """Return the session of a customer."""
    assert principal.customer is not None, "the routes are for customers only"
    return principal.customer


def person_of(principal: Principal) -> uuid.UUID:
    """Return the customer who calls."""
    return session_of(principal).subject_id
