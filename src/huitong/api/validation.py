"""Turns what the framework found wrong with a request into one problem that names each field."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from huitong.api.problems import FieldError, MalformedJson, Problem, make_problem
from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

_ERRORS_MAX: Final = 20
_PLACES: Final = frozenset({"body", "query", "path", "header"})


def validation_problem(error: RequestValidationError) -> Problem:
    """Return the problem for a request whose parts do not have the documented shape."""
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return make_problem(MalformedJson("The body cannot be read."))
    errors = [_read_error(each) for each in found[:_ERRORS_MAX]]
    first = errors[0]
    detail = f"{first.field}: {first.detail}"
    if len(found) > 1:
        detail += f" ({len(found)} fields are wrong; `errors` lists them)"
    return Problem(
        status=422,
        code=InvalidField.code,
        title=InvalidField.title,
        detail=detail,
        field=first.field,
        errors=errors,
    )


def _read_error(found: Mapping[str, Any]) -> FieldError:
    location: Sequence[str | int] = found["loc"]
    place = str(location[0]) if location and location[0] in _PLACES else "body"
    path = [shorten(part) for part in location[1:]]
    return FieldError(
        field=".".join(path) if path else place,
        # The library's sentence names the rule and never repeats what was sent.
        detail=str(found["msg"]).removeprefix("Value error, "),
        place=place,
        pointer="#" + "".join(f"/{_escape(part)}" for part in path) if place == "body" else None,
    )


def shorten(part: str | int) -> str:
    """Return a member's name so that it may be shown: printable, and not for ever."""
    # A member that does not belong here is named as it was sent, so it may be anything.
    text = str(part).encode("utf-8", "backslashreplace").decode()
    text = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    if len(text) <= limits.IDENTIFIER_ECHO_LENGTH_MAX:
        return text
    return f"{text[: limits.IDENTIFIER_ECHO_LENGTH_MAX]}…"


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
