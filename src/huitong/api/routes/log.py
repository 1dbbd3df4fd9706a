"""The transparency log: checkpoints, the key that checks them, and proofs.

The private key is not needed here and not read: the worker signs, and this edge hands out.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from huitong import ledger
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import TransferPath
from huitong.api.schemas.log import (
    CheckpointView,
    ConsistencyProofView,
    InclusionProofView,
    LogKeyView,
    show_checkpoint,
)
from huitong.kernel import limits
from huitong.kernel.errors import NotFound
from huitong.kernel.ids import TRANSFER, read_id

router: Final = APIRouter(
    prefix="/v1/ledger/log", tags=["Transparency log"], route_class=CommandRoute
)

Reader = Annotated[Principal, require("ledger:read")]


def _size(description: str, **more: Any) -> Any:
    return Query(
        ge=1, le=limits.LOG_SIZE_MAX, description=description, examples=[20_852_163], **more
    )


Size = Annotated[int | None, _size("Of this size, and not the latest; one that was published.")]


@router.get(
    "/checkpoint",
    operation_id="getCheckpoint",
    summary="Get a signed checkpoint",
    response_model=CheckpointView,
    responses=errors(NotFound),
)
async def get_checkpoint(request: Request, principal: Reader, size: Size = None) -> CheckpointView:
    """Return the latest checkpoint, or that of a size. Keep it: later ones must continue it."""
    async with application_of(request).database.reading(principal.caller) as uow:
        return show_checkpoint(await ledger.get_checkpoint(uow, size))


@router.get(
    "/key",
    operation_id="getLogKey",
    summary="Get the log's public key",
    response_model=LogKeyView,
    responses=errors(NotFound),
)
async def get_key(request: Request, principal: Reader) -> LogKeyView:
    """Return the key that signed the latest checkpoint; there is none before the first."""
    async with application_of(request).database.reading(principal.caller) as uow:
        published = await ledger.get_checkpoint(uow)
    return LogKeyView(public_key=published.public_key)


@router.get(
    "/proofs/{transfer}",
    operation_id="proveTransfer",
    summary="Prove that a transfer is in the log",
    response_model=InclusionProofView,
    responses=errors(NotFound, ledger.TransferNotPublished),
)
async def prove_transfer(
    request: Request, transfer: TransferPath, principal: Reader, size: Size = None
) -> Response:
    """Return a document that anybody can check offline with the log's public key.

    A new transfer is covered by a checkpoint within about a minute.
    """
    transfer_id = read_id(TRANSFER, transfer, field="transfer")
    async with application_of(request).database.reading(principal.caller) as uow:
        document = await ledger.prove_inclusion(uow, transfer_id, size=size)
    return JSONResponse(document)


@router.get(
    "/consistency",
    operation_id="proveConsistency",
    summary="Prove that the log only grew",
    response_model=ConsistencyProofView,
    responses=errors(NotFound),
)
async def prove_consistency(
    request: Request,
    principal: Reader,
    old_size: Annotated[int, _size("The size of the older checkpoint.", alias="from")],
    new_size: Annotated[int, _size("The size of the newer checkpoint.", alias="to")],
) -> Response:
    """Return a document that proves one checkpoint to continue another, by their sizes."""
    async with application_of(request).database.reading(principal.caller) as uow:
        document = await ledger.prove_consistency(uow, old_size, new_size)
    return JSONResponse(document)
