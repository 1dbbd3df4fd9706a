"""In which language messages come to who is logged in."""

from typing import Final, Literal

from fastapi import APIRouter
from starlette.requests import Request

from huitong import identity
from huitong.api.authentication import application_of
from huitong.api.documentation import errors
from huitong.api.schemas.common import Body, View
from huitong.api.sessions import CurrentSession, SessionRoute

router: Final = APIRouter(prefix="/v1/identity", tags=["Being logged in"], route_class=SessionRoute)


class LanguageView(View):
    """In which language text messages are written."""

    language: Literal["zh", "en"]


class ChooseLanguage(Body):
    """Another language."""

    language: Literal["zh", "en"]


@router.get(
    "/language",
    operation_id="getLanguage",
    summary="Get in which language messages come",
    response_model=LanguageView,
    responses=errors(caller="session"),
)
async def get_language(request: Request, me: CurrentSession) -> LanguageView:
    """Return my language: what was chosen, or what I signed up with, or Chinese."""
    async with application_of(request).database.reading(me.caller) as uow:
        found = await identity.get_language(uow, me.session.subject_id)
    return LanguageView(language=found.value)


@router.put(
    "/language",
    operation_id="chooseLanguage",
    summary="Choose in which language messages come",
    response_model=LanguageView,
    responses=errors(caller="session", is_command=True, has_idempotency_key=False),
)
async def choose_language(
    request: Request, body: ChooseLanguage, me: CurrentSession
) -> LanguageView:
    """Have messages written in another language from now on."""
    parts = application_of(request)
    now, chosen = parts.clock.now(), identity.Language(body.language)
    await parts.database.run(
        lambda uow: identity.choose_language(
            uow, subject_id=me.session.subject_id, language=chosen, now=now
        ),
        me.caller,
    )
    return LanguageView(language=chosen.value)
