"""What every way of knowing a caller begins with: the application, and the Bearer token."""

from typing import cast

from starlette.requests import Request

from huitong.kernel import limits
from huitong.wiring.application import Application


def application_of(request: Request) -> Application:
    """Return the application that a request came to."""
    return cast("Application", request.app.state.application)


def read_bearer(values: list[str]) -> str | None:
    """Return the secret in the Authorization headers of a request, or None if there is no one."""
    # Two headers have no meaning; which one a proxy in front had checked is not known.
    if len(values) != 1:
        return None
    scheme, _, secret = values[0].partition(" ")
    secret = secret.strip(" ")
    if scheme.lower() != "bearer" or not 1 <= len(secret) <= limits.API_KEY_LENGTH_MAX:
        return None
    return secret
