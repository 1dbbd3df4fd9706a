"""Models of risk: what they are, how they do, and what two people make of them."""

from typing import Annotated, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from huitong import identity, risk
from huitong.api.approvals import ask_for_approval
from huitong.api.authentication import Principal, application_of, require
from huitong.api.documentation import errors
from huitong.api.idempotency import IdempotencyKey
from huitong.api.pages import Cursor, Limit, ListedPage, open_cursor, show_page
from huitong.api.request_body import CommandRoute
from huitong.api.schemas.common import Page
from huitong.api.schemas.risk import PurposeQuery
from huitong.api.schemas.risk_models import (
    MeasuresView,
    ModelCardView,
    ModelPath,
    ModelView,
    ReuseModel,
    SetModelStatus,
    show_card,
    show_measures,
    show_model,
)
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import MODEL, read_id, show_id, uuid7

router: Final = APIRouter(
    prefix="/v1/risk/models", tags=["Models of risk"], route_class=CommandRoute
)

Reader = Annotated[Principal, require("models:read")]
Writer = Annotated[Principal, require("models:write")]

#: Loans are scored by a scorecard, which is registered as models are.
_NAMES: Final = {**risk.MODEL_NAMES, risk.Purpose.LOAN: risk.CREDIT_MODEL_NAME}


@router.get(
    "",
    operation_id="listModels",
    summary="List models of risk",
    response_model=Page[ModelView],
    responses=errors(caller="staff"),
)
async def list_models(
    request: Request,
    principal: Reader,
    purpose: PurposeQuery,
    cursor: Cursor = None,
    limit: Limit = limits.MODELS_PAGE,
) -> dict[str, object]:
    """Return versions of the model of a purpose, newest first."""
    name = _NAMES.get(risk.Purpose(purpose))
    if name is None:
        return show_page(ListedPage([], None), show_model, "models", purpose)
    inner = open_cursor(cursor, "models", purpose)
    before = limits.MODEL_VERSIONS_MAX + 1 if inner is None else int(inner)
    limit = min(limit, limits.MODELS_PAGE)
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.list_models(uow, name, before=before, limit=limit)
    following = str(found[-1].version) if len(found) == limit else None
    return show_page(ListedPage(found, following), show_model, "models", purpose)


@router.get(
    "/{model}",
    operation_id="getModel",
    summary="Get a model of risk",
    response_model=ModelCardView,
    responses=errors(risk.ModelNotFound, caller="staff"),
)
async def get_model(request: Request, model: ModelPath, principal: Reader) -> ModelCardView:
    """Return a model with its card, and the alarms about it."""
    model_id = read_id(MODEL, model, field="model")
    async with application_of(request).database.reading(principal.caller) as uow:
        found = await risk.get_model(uow, model_id)
        return show_card(found, await risk.list_alarms(uow, model_id))


@router.get(
    "/{model}/measures",
    operation_id="getModelMeasures",
    summary="Get how a model does",
    response_model=MeasuresView,
    responses=errors(risk.ModelNotFound, caller="staff"),
)
async def get_measures(request: Request, model: ModelPath, principal: Reader) -> MeasuresView:
    """Return how much fraud a model found week by week, and how far payments are from training."""
    model_id = read_id(MODEL, model, field="model")
    async with application_of(request).database.reading(principal.caller) as uow:
        await risk.get_model(uow, model_id)
        return show_measures(
            await risk.list_weeks(uow, model_id), await risk.list_drift(uow, model_id)
        )


@router.post(
    "/{model}/status",
    operation_id="setModelStatus",
    summary="Ask for a model to take another status",
    status_code=202,
    responses=errors(
        risk.ModelNotFound,
        risk.ModelStatusConflict,
        risk.ModelUnfair,
        risk.ModelUntried,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def set_model_status(
    request: Request, model: ModelPath, body: SetModelStatus, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a model to decide, to decide a share, to score without effect, or to be retired."""
    model_id = read_id(MODEL, model, field="model")
    application = application_of(request)
    approval_id, now = uuid7(), application.clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await risk.check_model_status(
            uow,
            model_id=model_id,
            status=risk.ModelStatus(body.status),
            rulebook=application.rulebook,
            now=now,
        )
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.set_model_status",
            payload={"model": show_id(MODEL, model_id), "status": body.status},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)


@router.post(
    "/{model}/reuse",
    operation_id="reuseModel",
    summary="Ask for a model to be used again",
    status_code=202,
    responses=errors(
        risk.ModelNotFound,
        risk.ModelNotOut,
        caller="staff",
        is_command=True,
        has_approval=True,
    ),
)
async def reuse_model(
    request: Request, model: ModelPath, body: ReuseModel, key: IdempotencyKey, principal: Writer
) -> Response:
    """Ask for a model that drifted or decayed to score again, after somebody looked."""
    model_id = read_id(MODEL, model, field="model")
    approval_id, now = uuid7(), application_of(request).clock.now()

    async def make(uow: UnitOfWork, by: identity.Staff) -> identity.Approval:
        await risk.check_can_reuse(uow, model_id=model_id)
        return await identity.request_approval(
            uow,
            approval_id=approval_id,
            staff=by,
            act="risk.reuse_model",
            payload={"model": show_id(MODEL, model_id)},
            reason=body.reason,
            concerns=[],
            now=now,
        )

    return await ask_for_approval(request, principal, key, make)
