"""Finding who signs up: the token of a sign-up, which a proved number gives."""

from typing import Final

from starlette.requests import Request

from huitong import identity
from huitong.api.bearer import application_of, read_bearer
from huitong.api.problems import NotAuthenticated

_TOKEN_PREFIX: Final = "htu_"  # noqa: S105 - how such a token begins


def is_applicants(secret: str | None) -> bool:
    """Say whether a secret is of somebody who signs up, good or not."""
    return secret is not None and secret.startswith(_TOKEN_PREFIX)


async def find_applicant(request: Request) -> identity.SignUp:
    """Return the sign-up whose token a request comes with; raises NotAuthenticated."""
    application = application_of(request)
    token = read_bearer(request.headers.getlist("authorization"))
    found = None
    if token is not None:
        async with application.database.reading() as uow:
            found = await identity.find_sign_up(uow, token, now=application.clock.now())
    if found is None:
        raise NotAuthenticated(
            "Prove your number again: the time to sign up is over.", field="Authorization"
        )
    return found
