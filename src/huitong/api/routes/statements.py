"""Statements as files: CSV, PDF, and the messages of ISO 20022."""

from collections.abc import AsyncIterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from huitong import ledger, payments, privacy
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.people_seen import note_seen
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import AccountPath
from huitong.kernel import limits
from huitong.kernel.clock import business_day
from huitong.kernel.errors import InvalidField, NotFound

documents: Final = payments.documents

router: Final = APIRouter(
    prefix="/v1/accounts/{account}/statement-file", tags=["Accounts"], route_class=CommandRoute
)

Reader = Annotated[
    Principal, require("accounts:read", is_for_merchants=True, is_for_customers=True)
]
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


class StatementFormat(StrEnum):
    """What a statement is written as."""

    CSV = "csv"
    PDF = "pdf"
    REPORT = "camt.052"
    STATEMENT = "camt.053"
    NOTIFICATION = "camt.054"


#: Before it there is no account, and a calendar may end.
_FIRST_DAY: Final = date(1970, 1, 1)
_TYPES: Final = {StatementFormat.CSV: "text/csv", StatementFormat.PDF: "application/pdf"}


@router.get(
    "",
    operation_id="downloadStatement",
    summary="Download a statement of an account",
    response_class=Response,
    responses={
        **errors(NotFound, documents.StatementTooLong, privacy.ViewerCut),
        200: {
            "description": "The statement.",
            "content": {
                "text/csv": _BINARY,
                "application/pdf": _BINARY,
                "application/xml": _BINARY,
            },
        },
    },
)
async def download_statement(  # noqa: PLR0917 - the framework names them all
    request: Request,
    account: AccountPath,
    principal: Reader,
    first_day: Annotated[
        date, Query(alias="from", description="The first day.", examples=["2026-11-01"])
    ],
    last_day: Annotated[
        date, Query(alias="to", description="The last day.", examples=["2026-11-30"])
    ],
    file_format: Annotated[
        StatementFormat, Query(alias="format", description="What the file is.")
    ] = StatementFormat.PDF,
    charset: Annotated[
        payments.documents.StatementCharset, Query(description="For CSV.")
    ] = payments.documents.StatementCharset.UTF_8_BOM,
) -> Response:
    """Return opening balance, every line recorded on the days, and closing balance, as one file.

    The owner's name is whole for the owner, a business's for everybody; other people are masked.
    """
    application = application_of(request)
    number, now = ledger.read_account(account, field="account"), application.clock.now()
    _check_days(first_day, last_day, business_day(now))
    async with application.database.reading(principal.caller) as uow:
        found = await ledger.get_account(uow, number)
        principal.check_owner(found.owner_id, "account", account)
        is_own = found.owner_id is not None and principal.bound_to == found.owner_id
        statement = await documents.open_statement(
            uow,
            application.vault,
            found,
            first_on=first_day,
            last_on=last_day,
            reader_id=found.owner_id if is_own else None,
            now=now,
        )
    if found.owner_id is not None:
        await note_seen(request, principal, [found.owner_id])
    pieces = documents.read_rows(
        application.database, principal.caller, application.vault, statement
    )
    media_type = _TYPES.get(file_format, "application/xml")
    if file_format is StatementFormat.CSV:
        media_type += f"; charset={charset.codec}"
    ending = "xml" if file_format.value.startswith("camt") else file_format.value
    name = f'attachment; filename="statement-{account}-{first_day}-{last_day}.{ending}"'
    return StreamingResponse(
        _write(statement, pieces, file_format, charset),
        media_type=media_type,
        headers={"Content-Disposition": name},
    )


def _write(
    statement: payments.documents.AccountStatement,
    pieces: payments.documents.Pieces,
    file_format: StatementFormat,
    charset: payments.documents.StatementCharset,
) -> AsyncIterator[bytes]:
    if file_format is StatementFormat.CSV:
        return documents.write_csv(statement, pieces, charset=charset)
    if file_format is StatementFormat.PDF:
        return documents.write_pdf(statement, pieces)
    message = documents.CashMessage(file_format.value)
    return documents.write_cash_message(statement, pieces, message)


def _check_days(first_day: date, last_day: date, today: date) -> None:
    if first_day < _FIRST_DAY:
        raise InvalidField(f"must not be before {_FIRST_DAY}", field="from")
    if last_day < first_day:
        raise InvalidField("must not be before from", field="to")
    if last_day > today:
        raise InvalidField("must not be in the future", field="to")
    if (last_day - first_day).days >= limits.STATEMENT_DAYS_MAX:
        raise InvalidField(
            f"must be within {limits.STATEMENT_DAYS_MAX} days from the first", field="to"
        )
