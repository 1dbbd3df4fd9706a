"""Where channels call back: anybody may call, and only a channel's signature is heard."""

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request

from huitong import payments
from huitong.api import gate
from huitong.api.authentication import SIGNED, application_of
from huitong.api.documentation import errors
from huitong.api.request_body import PublicRoute, StrictRequest
from huitong.api.schemas.channels import CallbackView, ChannelPath
from huitong.kernel.errors import InvalidField, NotFound, Refusal

channels: Final = payments.channels
#: The key under which a callback that was signed stands in the ASGI scope.
_CALLBACK: Final = "huitong.callback"


class SignedRoute(PublicRoute):
    """A route whose body is checked as bytes, before anything of it is understood.

    A signature makes somebody known; whoever has none is a stranger with a budget.
    """

    async def know_caller(self, request: Request) -> None:
        """Open the callback; raises why it is none, or RateLimited once there were too many."""
        try:
            request.scope[_CALLBACK] = await _open(request)
        except Refusal:
            gate.admit_stranger(request.scope)
            raise

    async def read_body(self, request: StrictRequest) -> None:
        """Leave the body as it came."""


router: Final = APIRouter(
    prefix="/v1/channel-callbacks",
    tags=["Channels"],
    route_class=SignedRoute,
    dependencies=[SIGNED],
)
_EXAMPLE: Final = {
    "id": "0199c0a95d0b7c3e8f6f0d6f1a2b3c4d",
    "state": "succeeded",
    "direction": "out",
    "amount": {"amount": "10.50", "currency": "CNY"},
}


@router.post(
    "/{channel}",
    operation_id="receiveChannelCallback",
    summary="Hear what a channel has to say",
    status_code=202,
    response_model=CallbackView,
    responses=errors(
        channels.CallbackNotSigned,
        channels.CallbackIdReused,
        channels.ChannelNotFound,
        NotFound,
        InvalidField,
        caller="stranger",
        is_command=True,
        has_idempotency_key=False,
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Which order of the channel it is about. Signed as Standard Webhooks "
            "says, in `webhook-id`, `webhook-timestamp` and `webhook-signature`; a repeated id "
            "does nothing.",
            "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
        }
    },
)
async def receive_callback(request: Request, channel: ChannelPath) -> CallbackView:
    """Make the next question to the channel due now; a callback alone never moves money."""
    application = application_of(request)
    callback: channels.Callback = request.scope[_CALLBACK]
    assert callback.channel == channel
    now = application.clock.now()
    effect = await application.database.run(
        lambda uow: channels.receive_callback(uow, callback, now=now)
    )
    if effect is channels.CallbackEffect.REPEATED:
        # Anybody may have written down what was signed, and send it over and over.
        gate.admit_stranger(request.scope)
    return CallbackView(effect=effect.value)


async def _open(request: Request) -> payments.channels.Callback:
    """Return a callback that its channel signed; raises why it is none."""
    application, channel = application_of(request), request.path_params["channel"]
    channels.check_name(channel)
    secrets = channels.find_secrets(application.settings.home, channel)
    if not secrets:
        raise channels.ChannelNotFound(f"no channel {channel} calls here", field="channel")
    body = await request.body()
    return channels.open_callback(
        channel, secrets, request.headers, body, now=application.clock.now()
    )
