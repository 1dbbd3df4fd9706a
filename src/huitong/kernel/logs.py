"""Structured logs, one JSON object a line, from which secrets and personal data are masked.

Masking is the last step before writing, so that it also covers the lines of libraries and the text
of exceptions. It works by key (`password`, `mobile`) and, inside text, by shape (a URL with a
password, a mobile number). It is a net, not a licence: do not log what must not be read.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Final, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

MASK: Final = "***"
_DEPTH_MAX: Final = 6
_ITEMS_MAX: Final = 100
_TEXT_LENGTH_MAX: Final = 16_384

# Compared with the words of a key: `x-api-key`, `apiKey` and `API_KEY` are all "api key".
_SECRET_WORDS: Final = frozenset(
    (
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "cvv",
        "otp",
        "passphrase",
        "passwd",
        "password",
        "pin",
        "pwd",
        "secret",
        "signature",
        "token",
        "verifier",
    )
)
_SECRET_PHRASES: Final = frozenset(
    ("api key", "private key", "access key", "encryption key", "signing key", "database url")
)
_PERSONAL_WORDS: Final = frozenset(
    (
        "address",
        "biometric",
        "birthday",
        "birthdate",
        "email",
        "face",
        "fingerprint",
        "idcard",
        "mobile",
        "msisdn",
        "passport",
        "phone",
        "surname",
        "telephone",
    )
)
_PERSONAL_PHRASES: Final = frozenset(
    (
        "account holder",
        "account name",
        "bank account",
        "card number",
        "date of birth",
        "display name",
        "family name",
        "full name",
        "given name",
        "id card",
        "id number",
        "identity number",
        "legal name",
        "payee name",
        "payer name",
        "person name",
        "real name",
    )
)
# What looks like a secret word, but is a number of tokens or the network address of a socket.
_HARMLESS_KEYS: Final = frozenset(("client address", "server address", "listen address"))

#: Delete, the controls of ISO 6429 beyond ASCII, line and paragraph separators, and what turns the
#: direction of writing (Unicode's "Trojan source").
_STEERING: Final = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_ENDING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WORD_BOUNDARY: Final = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")
_TEXT_SHAPES: Final = (
    # scheme://user:password@host
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (
        re.compile(r"(?i)\b(password|passwd|secret|token|api[_-]?key)(\s*[=:]\s*)[^\s,;&\"']+"),
        rf"\1\2{MASK}",
    ),
    # A resident identity number: 17 digits and a check character (GB 11643).
    (re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])"), MASK),
    # A bank card number (ISO/IEC 7812), as the mainland's cards have it: 16 to 19 digits.
    (re.compile(r"(?<![0-9A-Za-z])[3-6][0-9]{15,18}(?![0-9A-Za-z])"), MASK),
    # A mainland mobile number, with or without the country code.
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9][0-9]{9}(?![0-9A-Za-z])"), MASK),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), MASK),
)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module; call it with an event in words and facts as keywords."""
    return cast("FilteringBoundLogger", structlog.stdlib.get_logger(name))


def request_context(request_id: str, **facts: object) -> AbstractContextManager[object]:
    """Return a context in which every log line, in every function, carries the request's id."""
    return structlog.contextvars.bound_contextvars(request_id=request_id, **facts)


def configure_logging(
    *,
    level: str = "info",
    log_format: str = "json",
    processors: Sequence[Processor] = (),
    stream: TextIO | None = None,
) -> None:
    """Send all logs of this process, ours and the libraries', to `stream` (standard error).

    `processors` see every line before it is masked. Call it once, at the start of a process.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *processors,
        # Exceptions become text here, so that their text is masked too.
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                mask_event,
                _make_renderer(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # They tell at "info" of every statement and request that they make, parameters included.
    for name in ("sqlalchemy", "httpx", "httpcore", "asyncio", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def mask_event(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """Return the log line with what must not be read replaced by `***`."""
    return {key: mask_value(value, key=str(key)) for key, value in event.items()}


def mask_value(value: object, *, key: str = "", depth: int = 0) -> object:
    """Return `value` as it may be written under `key`; containers are masked item by item."""
    if value is None or isinstance(value, bool):
        return value
    if _is_private(key):
        return MASK
    if isinstance(value, str):
        return _mask_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, int | float):
        return value
    if depth >= _DEPTH_MAX:
        return "<nested too deeply>"
    if isinstance(value, Mapping):
        items = list(value.items())[:_ITEMS_MAX]
        return {str(name): mask_value(item, key=str(name), depth=depth + 1) for name, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(item, depth=depth + 1) for item in list(value)[:_ITEMS_MAX]]
    return _mask_text(str(value))


def _is_private(key: str) -> bool:
    words = [word.lower() for word in _WORD_BOUNDARY.split(key) if word]
    phrases = {" ".join(pair) for pair in pairwise(words)}
    phrases |= {" ".join(triple) for triple in zip(words, words[1:], words[2:], strict=False)}
    if phrases & _HARMLESS_KEYS:
        return False
    return bool(
        _SECRET_WORDS.intersection(words)
        or _PERSONAL_WORDS.intersection(words)
        or phrases & _SECRET_PHRASES
        or phrases & _PERSONAL_PHRASES
    )


def _mask_text(text: str) -> str:
    if len(text) > _TEXT_LENGTH_MAX:
        # Cut first: the shapes then cost a bounded time, whatever somebody sent us.
        text = f"{text[:_TEXT_LENGTH_MAX]}… ({len(text)} characters)"
    for shape, replacement in _TEXT_SHAPES:
        text = shape.sub(replacement, text)
    return text


def _make_renderer(log_format: str) -> Processor:
    if log_format == "console":
        console = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The default prints local variables, which are people's data and secrets.
            exception_formatter=structlog.dev.plain_traceback,
        )
        return lambda logger, name, event: console(logger, name, _escape_texts(event))
    render = structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False)
    # JSON leaves these as they are: some readers end a line there, some terminals obey them.
    return lambda logger, name, event: _escape(str(render(logger, name, event)), _STEERING)


def _escape_texts(event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Return a line for the console in which nobody's text begins a line or steers the terminal."""
    return {key: _escape_text(key, value) for key, value in event.items()}


def _escape_text(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    # A traceback is ours to begin lines.
    lines = value.split("\n") if key == "exception" else [value]
    return "\n".join(_escape(line, _ENDING) for line in lines)


def _escape(text: str, shape: re.Pattern[str]) -> str:
    return shape.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
