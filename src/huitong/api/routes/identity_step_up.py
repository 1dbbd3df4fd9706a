"""Step-up: one more proof, for one act."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import identity
from huitong.api.authentication import application_of
from huitong.api.documentation import errors
from huitong.api.schemas.step_up import (
    ProveStepUp,
    StartStepUp,
    StepUpPath,
    StepUpView,
    show_step_up,
)
from huitong.api.sessions import AnySession, SessionRoute, read_client
from huitong.kernel.ids import STEP_UP, read_id

router: Final = APIRouter(
    prefix="/v1/identity/step-ups", tags=["Being logged in"], route_class=SessionRoute
)


@router.post(
    "",
    operation_id="startStepUp",
    summary="Begin one more proof for an act",
    status_code=201,
    response_model=StepUpView,
    responses=errors(
        identity.CodeLimitReached,
        identity.PasskeyNotFound,
        identity.PinNotSet,
        identity.TooManyAttempts,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
        faults=[identity.CodeNotDelivered],
    ),
)
async def start_step_up(request: Request, body: StartStepUp, me: AnySession) -> StepUpView:
    """Begin a proof that is good for exactly this act: its kind, amount and payee."""
    application = application_of(request)
    opened = await identity.start_step_up(
        application.desk,
        session=me.session,
        act=body.act.read(application.vault),
        factor=identity.Factor(body.factor),
        client=read_client(request),
        caller=me.caller,
        now=application.clock.now(),
    )
    return show_step_up(opened.step_up, opened.options)


@router.post(
    "/{step_up}/proof",
    operation_id="proveStepUp",
    summary="Give the proof",
    status_code=201,
    response_model=StepUpView,
    responses=errors(
        identity.StepUpRefused,
        identity.TooManyAttempts,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def prove_step_up(
    request: Request, step_up: StepUpPath, body: ProveStepUp, me: AnySession
) -> StepUpView:
    """Prove it with the PIN, the code that was sent, or a passkey; then do the act with its id."""
    application = application_of(request)
    step_up_id = read_id(STEP_UP, step_up, field="step_up")
    desk, now = application.desk, application.clock.now()
    if body.pin is not None:
        proved = await identity.prove_step_up_by_pin(
            desk,
            session=me.session,
            step_up_id=step_up_id,
            pin=body.pin,
            caller=me.caller,
            now=now,
        )
    elif body.code is not None:
        proved = await identity.prove_step_up_by_code(
            desk,
            session=me.session,
            step_up_id=step_up_id,
            code=body.code,
            client=read_client(request),
            caller=me.caller,
            now=now,
        )
    else:
        assert body.credential is not None
        proved = await identity.prove_step_up_by_passkey(
            desk,
            session=me.session,
            step_up_id=step_up_id,
            credential=body.credential,
            caller=me.caller,
            now=now,
        )
    return show_step_up(proved)
