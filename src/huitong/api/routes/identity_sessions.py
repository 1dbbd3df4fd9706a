"""Sessions and devices of who is logged in."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity
from huitong.api.authentication import application_of
from huitong.api.documentation import errors
from huitong.api.schemas.common import NoBody
from huitong.api.schemas.identity import (
    DevicePath,
    DevicesView,
    EndedView,
    NameDevice,
    SessionPath,
    SessionsView,
    show_device,
    show_session,
)
from huitong.api.sessions import AnySession, CurrentSession, SessionRoute, clear_cookie
from huitong.kernel.ids import DEVICE, SESSION, read_id

router: Final = APIRouter(prefix="/v1/identity", tags=["Being logged in"], route_class=SessionRoute)


@router.get(
    "/sessions",
    operation_id="listSessions",
    summary="List my sessions",
    response_model=SessionsView,
    responses=errors(caller="session"),
)
async def list_sessions(request: Request, me: CurrentSession) -> SessionsView:
    """Return the live sessions of the login, this one marked."""
    application = application_of(request)
    async with application.database.reading(me.caller) as uow:
        found = await identity.list_sessions(
            uow, login_id=me.session.login_id, now=application.clock.now()
        )
    return SessionsView(data=[show_session(each, me.session.id) for each in found])


@router.delete(
    "/sessions/{session}",
    operation_id="endSession",
    summary="End one of my sessions",
    status_code=204,
    responses=errors(identity.SessionNotFound, identity.SessionReduced, caller="session"),
)
async def end_session(request: Request, session: SessionPath, me: CurrentSession) -> Response:
    """End a session; other processes may believe in it for two seconds more."""
    application = application_of(request)
    await identity.end_session(
        application.desk,
        session=me.session,
        session_id=read_id(SESSION, session, field="session"),
        caller=me.caller,
        now=application.clock.now(),
    )
    return Response(status_code=204)


@router.post(
    "/sessions/end-others",
    operation_id="endOtherSessions",
    summary="End all my other sessions",
    response_model=EndedView,
    responses=errors(
        identity.SessionReduced, caller="session", is_command=True, has_idempotency_key=False
    ),
)
async def end_other_sessions(
    request: Request, me: CurrentSession, _body: NoBody | None = None
) -> EndedView:
    """End every session of the login but this one."""
    application = application_of(request)
    ended = await identity.end_other_sessions(
        application.desk, session=me.session, caller=me.caller, now=application.clock.now()
    )
    return EndedView(ended=ended)


@router.post(
    "/log-out",
    operation_id="logOut",
    summary="Log out",
    status_code=204,
    responses=errors(caller="session", is_command=True, has_idempotency_key=False),
)
async def log_out(request: Request, me: AnySession, _body: NoBody | None = None) -> Response:
    """End this session and take the cookie away."""
    application = application_of(request)
    await identity.log_out(
        application.desk, session=me.session, caller=me.caller, now=application.clock.now()
    )
    response = Response(status_code=204)
    clear_cookie(response)
    return response


@router.get(
    "/devices",
    operation_id="listDevices",
    summary="List my devices",
    response_model=DevicesView,
    responses=errors(caller="session"),
)
async def list_devices(request: Request, me: CurrentSession) -> DevicesView:
    """Return the devices that are bound to the login, this one marked."""
    application = application_of(request)
    async with application.database.reading(me.caller) as uow:
        found = await identity.list_devices(uow, vault=application.vault, session=me.session)
    return DevicesView(data=[show_device(each, me.session.device_id) for each in found])


@router.put(
    "/devices/{device}",
    operation_id="nameDevice",
    summary="Name one of my devices",
    status_code=204,
    responses=errors(
        identity.DeviceNotFound,
        identity.SessionReduced,
        caller="session",
        is_command=True,
        has_idempotency_key=False,
    ),
)
async def name_device(
    request: Request, device: DevicePath, body: NameDevice, me: CurrentSession
) -> Response:
    """Give a device a name."""
    application = application_of(request)
    device_id = read_id(DEVICE, device, field="device")
    await application.database.run(
        lambda uow: identity.rename_device(
            uow,
            vault=application.vault,
            session=me.session,
            device_id=device_id,
            name=body.name,
            now=application.clock.now(),
        ),
        me.caller,
    )
    return Response(status_code=204)


@router.delete(
    "/devices/{device}",
    operation_id="unbindDevice",
    summary="Unbind one of my devices",
    status_code=204,
    responses=errors(identity.DeviceNotFound, identity.SessionReduced, caller="session"),
)
async def unbind_device(request: Request, device: DevicePath, me: CurrentSession) -> Response:
    """Unbind a device and end its sessions."""
    application = application_of(request)
    await identity.unbind_device(
        application.desk,
        session=me.session,
        device_id=read_id(DEVICE, device, field="device"),
        caller=me.caller,
        now=application.clock.now(),
    )
    return Response(status_code=204)
