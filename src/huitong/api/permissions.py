"""The matrix of routes and callers, as it is printed.

It comes from the routes' own declarations and the policy file, the two things that decide at run
time, so that it cannot say something else than they do.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from huitong.api.app import ROUTERS
from huitong.api.declarations import (
    API_KEY,
    APPLICANT,
    CUSTOMER,
    NO,
    NOBODY,
    OWN,
    Declaration,
    list_declarations,
)
from huitong.identity import AccessPolicy

#: The hot path is no route of the framework's; its one declaration stands here.
_HOT_PATH: Final = ("POST", "/v1/payments", "payments:write")


def list_all() -> list[Declaration]:
    """Return the declarations of the whole application, the hot path's with them."""
    method, path, permission = _HOT_PATH
    hot = Declaration(
        method=method,
        path=path,
        permission=permission,
        is_for_customers=True,
        is_for_staff=False,
    )
    found = [*list_declarations(ROUTERS), hot]
    return sorted(found, key=lambda each: (each.path, each.method))


def list_callers() -> list[str]:
    """Return the columns of the matrix: nobody, an applicant, a customer, a key, and each role."""
    return [NOBODY, APPLICANT, CUSTOMER, API_KEY, *AccessPolicy.load().roles]


def make_rows(declarations: Sequence[Declaration]) -> list[list[str]]:
    """Return a row for each route: method and path, permission, and what each caller may."""
    return [
        [
            f"{each.method} {each.path}",
            each.permission,
            *(each.may(caller) for caller in list_callers()),
        ]
        for each in declarations
    ]


def make_short_rows() -> list[tuple[str, str, str]]:
    """Return a row for each route with all who may call it in one column, for a terminal."""
    rows = []
    for each in list_all():
        marks = {caller: each.may(caller) for caller in list_callers()}
        may = [
            name if mark != OWN else f"{name} (own)" for name, mark in marks.items() if mark != NO
        ]
        who = "everybody" if len(may) == len(marks) else ", ".join(may)
        rows.append((f"{each.method} {each.path}", each.permission, who))
    return rows


def render_markdown() -> str:
    """Return the reference page, which a test compares with the one in the repository."""
    policy = AccessPolicy.load()
    names = ["route", "permission", *list_callers()]
    acts = [
        [f"`{name}`", rule.request, rule.approve, f"{rule.lifetime.total_seconds() / 3_600:.0f}"]
        for name, rule in sorted(policy.acts.items())
    ]
    bounds = [
        [name, permission, str(amount)]
        for name, role in policy.roles.items()
        for permission, amount in role.amount_max.items()
    ]
    return f"""# Permissions

Made by `huitong permissions --markdown` from the routes and `identity/permissions.yaml`.

`own`: only what is the customer's or the applicant's own; an applicant is somebody who has proved a
number and is signing up. A key needs the scope that is named, and one that is bound
to a merchant passes only where merchants may act. Staff are signed in with two factors. Whoever
may not gets 401 or 403.

{_render_table(names, make_rows(list_all()))}

## What takes two people

One member of staff asks and another one decides; the routes above that change such things answer
staff with 202 and a request. API keys act by their scope.

{_render_table(["act", "who asks needs", "who decides needs", "hours"], acts)}

## Amounts

A single act of a role may have at most:

{_render_table(["role", "permission", "amount"], bounds)}

Nobody has another role beside {" or ".join(sorted(policy.alone))}.
"""


def _render_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
