"""What can go wrong, in two kinds: a refusal (we say no) and a fault (the outside world failed).

A third kind, the bug, is an assertion or a surprise and has no class here on purpose: it must
reach the alarm, and a class would invite somebody to catch it.
"""

import re
from collections.abc import Mapping
from typing import ClassVar, Protocol

_CODE_SHAPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CONTEXT_DEPTH_MAX = 4
_refusals_by_code: dict[str, type["Refusal"]] = {}


class Left(Protocol):
    """A statement that a refusal leaves for the database: a `kernel.database` `Statement`."""

    @property
    def text(self) -> str:
        """The statement, with $1, $2, …"""
        ...

    @property
    def arguments(self) -> tuple[object, ...]:
        """What stands for them."""
        ...


class Refusal(Exception):
    """An expected "no" of the business, with a code that callers may rely on for ever.

    Subclass it once for each reason and give the subclass its own `code` (snake_case, stable) and
    `title` (one short sentence without details). There is no HTTP status here: the API edge maps
    codes to statuses, because the same refusal is also an answer to a batch line or a job.
    """

    code: ClassVar[str] = "refused"
    title: ClassVar[str] = "The request was refused"

    detail: str
    field: str | None
    context: dict[str, object]
    #: What is written although the request is refused, once all that it did was undone, such as a
    #: record of why: by `Database.run` and `idempotency.once`. Not known in other processes.
    leaves: tuple[Left, ...]

    def __init_subclass__(cls) -> None:
        """Register the code; two classes with one code would make answers ambiguous."""
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            return
        if _CODE_SHAPE.fullmatch(cls.code) is None:
            raise TypeError(f"{cls.__qualname__}.code must be snake_case, not {cls.code!r}")
        other = _refusals_by_code.setdefault(cls.code, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(
                f"{cls.__module__}.{cls.__qualname__} and {other.__module__}.{other.__qualname__} "
                f"both use the code {cls.code!r}"
            )
        _refusals_by_code[cls.code] = cls

    def __init__(
        self,
        detail: str,
        *,
        field: str | None = None,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """Make a refusal; `detail` is for a person, `field` names the input that is at fault.

        Raises TypeError if `context` holds anything that JSON cannot carry: found here, where the
        mistake is, and not at the edge, where it would turn a clear "no" into a crash.
        """
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.context = {} if context is None else dict(context)
        self.leaves = ()
        if self.context:
            _check_json_safe(self.context, path="context", depth=0)

    def __reduce__(
        self,
    ) -> tuple[object, tuple[type["Refusal"], str, str | None, dict[str, object]]]:
        # The default would call the class with `detail` alone and lose the keyword-only parts, so
        # a refusal raised in a worker process would break the pool that carries it back.
        return _rebuild_refusal, (type(self), self.detail, self.field, self.context)


class InvalidField(Refusal):
    """Something that the caller sent is malformed; `field` always says which part."""

    code = "invalid_field"
    title = "A field is not valid"

    field: str

    def __init__(
        self, detail: str, *, field: str, context: Mapping[str, object] | None = None
    ) -> None:
        """Make a refusal about one field, named as the caller knows it (`amount`, `payer.id`)."""
        super().__init__(detail, field=field, context=context)


class NotFound(Refusal):
    """The thing that was named does not exist, or not for this caller."""

    code = "not_found"
    title = "The thing that was asked for does not exist"


class Conflict(Refusal):
    """The request contradicts what is already recorded."""

    code = "conflict"
    title = "The request contradicts what is already recorded"


class LimitExceeded(Refusal):
    """A named maximum, technical or regulatory, would be passed."""

    code = "limit_exceeded"
    title = "A limit would be exceeded"


class Fault(Exception):
    """The outside world failed: database, bank channel, network.

    `retryable` says whether the same call may succeed later without anybody changing anything.
    """

    code: ClassVar[str] = "fault"
    title: ClassVar[str] = "Something outside failed"

    detail: str
    retryable: bool
    context: dict[str, object]

    def __init__(
        self,
        detail: str,
        *,
        retryable: bool = True,
        context: Mapping[str, object] | None = None,
    ) -> None:
        """Make a fault; `detail` is for staff and is not shown to customers."""
        super().__init__(detail)
        self.detail = detail
        self.retryable = retryable
        self.context = {} if context is None else dict(context)
        if self.context:
            _check_json_safe(self.context, path="context", depth=0)


def list_refusal_codes() -> dict[str, str]:
    """Return every known refusal code with its title, sorted by code.

    Only refusals of modules that were imported are known; the API edge imports them all.
    """
    return {code: _refusals_by_code[code].title for code in sorted(_refusals_by_code)}


def _rebuild_refusal(
    cls: type[Refusal], detail: str, field: str | None, context: dict[str, object]
) -> Refusal:
    refusal = cls.__new__(cls, detail)
    # Straight to the base: a subclass may have a narrower constructor of its own.
    Refusal.__init__(refusal, detail, field=field, context=context)
    return refusal


def _check_json_safe(value: object, *, path: str, depth: int) -> None:
    if value is None or isinstance(value, str | bool | int):
        return
    if depth >= _CONTEXT_DEPTH_MAX:
        raise TypeError(f"{path} is nested deeper than {_CONTEXT_DEPTH_MAX} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{path} has a key that is not text: {key!r}")
            _check_json_safe(item, path=f"{path}.{key}", depth=depth + 1)
        return
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_json_safe(item, path=f"{path}[{index}]", depth=depth + 1)
        return
    # Floats are left out too: a context often carries amounts and rates, as text.
    raise TypeError(f"{path} is a {type(value).__name__}, which a refusal cannot carry")
