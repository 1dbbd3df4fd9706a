"""From text to sqlglot's tree, with bounds on what is parsed, and where in it a node stands."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from huitong.kernel import limits
from huitong.kernel.errors import InvalidField

DIALECT: Final = "duckdb"
_PREFIXES: Final = frozenset({TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE})
_OPENING: Final = frozenset(
    {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
)
_CLOSING: Final = frozenset(
    {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
)


@dataclass(frozen=True, slots=True)
class Source:
    """A predicate's text, and the name under which its writer knows it."""

    text: str
    field: str

    def refuse(
        self, detail: str, *, at: int = 0, suggestions: list[str] | None = None
    ) -> InvalidField:
        """Return a refusal that says where: `at` is an offset into the text."""
        before = self.text[:at]
        line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
        context: dict[str, object] = {"line": line, "column": column}
        hint = ""
        if suggestions:
            context["suggestions"] = suggestions
            hint = f"; did you mean {' or '.join(suggestions)}?"
        return InvalidField(
            f"{detail} (line {line}, column {column}){hint}", field=self.field, context=context
        )

    def refuse_node(
        self, detail: str, node: exp.Expr, *, suggestions: list[str] | None = None
    ) -> InvalidField:
        """Return a refusal that says where a node of sqlglot's tree stands."""
        return self.refuse(detail, at=find_place(node), suggestions=suggestions)


def parse(source: Source) -> exp.Expr:
    """Return sqlglot's tree of a predicate.

    Raises InvalidField for what is no SQL expression, is more than one, or is too long or nested.
    """
    text = source.text
    if not text.strip():
        raise source.refuse("must not be empty")
    if len(text) > limits.RULE_PREDICATE_LENGTH_MAX:
        raise source.refuse(f"must have at most {limits.RULE_PREDICATE_LENGTH_MAX} characters")
    bad = next((at for at, char in enumerate(text) if not _is_fit(char)), None)
    if bad is not None:
        raise source.refuse("must not hold control characters", at=bad)
    try:
        tokens = sqlglot.tokenize(text, read=DIALECT)
        _check_nesting(source, tokens)
        trees = sqlglot.parse(text, read=DIALECT)
    except TokenError as error:
        raise source.refuse("holds a text or comment that does not end", at=len(text)) from error
    except ParseError as error:
        detail, at = _explain(error, text)
        raise source.refuse(detail, at=at) from error
    except RecursionError as error:
        raise source.refuse("is nested too deeply") from error
    if len(trees) != 1 or trees[0] is None:
        raise source.refuse("must be one expression, without semicolons")
    tree = trees[0]
    assert isinstance(tree, exp.Expr)
    return tree


def suggest(name: str, known: list[str]) -> list[str]:
    """Return the known names most like one that is not known."""
    return get_close_matches(name.lower(), known, n=limits.RULE_SUGGESTIONS_MAX)


def find_place(node: exp.Expr) -> int:
    """Return the offset at which a node begins, or near which it stands."""
    seen: exp.Expr | None = node
    while seen is not None:
        starts = [each.meta["start"] for each in seen.walk() if "start" in each.meta]
        if starts:
            return int(min(starts))
        seen = seen.parent
    return 0


def _is_fit(char: str) -> bool:
    # Characters that are half of one (surrogates) can be sent as JSON, and stored nowhere.
    return char in "\n\r\t" or (char >= " " and char != "\x7f" and not "\ud800" <= char <= "\udfff")


def _check_nesting(source: Source, tokens: list[Token]) -> None:
    """Refuse what the parser, which calls itself for each level, should not even begin with."""
    depth = prefixes = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        prefixes = prefixes + 1 if token.token_type in _PREFIXES else 0
        if max(depth, prefixes) > limits.RULE_DEPTH_MAX:
            raise source.refuse(
                f"must not be nested more than {limits.RULE_DEPTH_MAX} deep", at=token.start
            )


def _explain(error: ParseError, text: str) -> tuple[str, int]:
    found = error.errors[0] if error.errors else {}
    word = str(found.get("highlight") or "")
    at = len(str(found.get("start_context") or ""))
    # The context before the mistake is cut off at the front in a long text.
    if not text.startswith(str(found.get("start_context") or "")):
        at = max(0, text.find(word, int(found.get("col") or 1) - 1))
    return (f"is not SQL at {word!r}" if word else "is not a whole SQL expression"), at
