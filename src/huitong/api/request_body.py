"""How a body is read: as strict JSON, after the caller is known, with a problem for anything else.

The framework's own reader takes the last of two equal members, NaN, and any nesting; and it reads
before it asks who is calling.
"""

import json
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, NoReturn

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from huitong.api import gate
from huitong.api.authentication import authenticate
from huitong.api.problems import MalformedJson, UnsupportedMediaType
from huitong.api.validation import shorten
from huitong.kernel.errors import InvalidField

_DEPTH_MAX: Final = 16
_INTEGER_DIGITS_MAX: Final = 40
_JSON_TYPE: Final = re.compile(
    r"application/(?:[a-z0-9.!#$&^_+-]+\+)?json[ \t]*(?:;[ \t]*charset=\"?utf-8\"?[ \t]*)?",
    re.IGNORECASE,
)


class StrictRequest(Request):
    """A request whose JSON has one meaning only, and was read before the framework asks."""

    parsed: Any = None

    async def json(self) -> Any:
        """Return what `read` found."""
        return self.parsed

    async def read(self) -> None:
        """Read and parse the body, if there is one; raises MalformedJson, UnsupportedMediaType."""
        body = await self.body()
        if body:
            check_media_type(self.headers.get("content-type"))
            self.parsed = parse_json(body)


class PublicRoute(APIRoute):
    """A route that anybody may call: reads a strict body."""

    async def know_caller(self, request: Request) -> None:
        """Let a stranger in, or find out who is calling, before anything of the body is read."""
        gate.admit_stranger(request.scope)

    async def read_body(self, request: StrictRequest) -> None:
        """Read the body as strict JSON."""
        # Here, because the framework would make a bare 400 of whatever is raised later.
        await request.read()

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the framework's handler with the two steps before it."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            await self.know_caller(request)
            check_query(request)
            strict = StrictRequest(request.scope, request.receive)
            await self.read_body(strict)
            return await handle(strict)

        return handle_strictly


class CommandRoute(PublicRoute):
    """A route for API keys: knows its caller first, and then reads a strict body."""

    async def know_caller(self, request: Request) -> None:
        """Find the caller's key; raises NotAuthenticated."""
        await authenticate(request)


class UploadRoute(CommandRoute):
    """A route that takes a file, which its handler reads from callers who may send one."""

    async def read_body(self, request: StrictRequest) -> None:
        """Leave the body where it is."""


def check_query(request: Request) -> None:
    """Refuse a query with a parameter that comes twice; raises InvalidField.

    Which of the two counts differs from program to program, and one in front may have looked at
    the other one.
    """
    known: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name in known:
            raise InvalidField("must come once", field=shorten(name))
        known.add(name)


def check_media_type(content_type: str | None) -> None:
    """Refuse a body that is not declared to be JSON in UTF-8; raises UnsupportedMediaType."""
    if content_type is None or _JSON_TYPE.fullmatch(content_type) is None:
        raise UnsupportedMediaType(
            "Send the body as JSON, with Content-Type: application/json.", field="Content-Type"
        )


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text in UTF-8, which must have exactly one meaning.

    Raises MalformedJson, which says what is wrong: other encodings, NaN and Infinity, a member
    that comes twice, nesting beyond 16 levels, and numbers of more than 40 digits.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("it is not UTF-8")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_read_object,
            parse_constant=lambda name: _refuse(f"{name} is not JSON"),
            parse_int=_read_integer,
        )
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg.lower()} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse("it is nested too deeply")
    _check_depth(value, _DEPTH_MAX)
    return value


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        # Two readers of such a text may take different ones, and then act on different amounts.
        _refuse("a member comes twice in one object")
    return members


def _read_integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS_MAX:
        _refuse(f"a number has more than {_INTEGER_DIGITS_MAX} digits")
    return int(digits)


def _check_depth(value: Any, levels_left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if levels_left == 0:
        _refuse("it is nested too deeply")
    for item in value.values() if isinstance(value, dict) else value:
        _check_depth(item, levels_left - 1)


def _refuse(why: str) -> NoReturn:
    raise MalformedJson(f"The body cannot be read: {why}.", field="body")
