"""What this process counts, for Prometheus."""

from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from huitong.api.authentication import PUBLIC
from huitong.kernel.metrics import CONTENT_TYPE, render_metrics

router: Final = APIRouter(tags=["Operations"], dependencies=[PUBLIC])


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics of this process",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format.",
            "content": {"text/plain": {"example": "huitong_http_requests_in_progress 1.0\n"}},
        }
    },
)
async def get_metrics() -> Response:
    """Return counters and histograms of this process. They hold no personal data."""
    return Response(render_metrics(), headers={"Content-Type": CONTENT_TYPE})
