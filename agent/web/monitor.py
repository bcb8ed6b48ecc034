"""`/metrics` for Prometheus and `/healthz` for whoever watches over the service. Nothing here is about persons."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Response

Health = Callable[[], tuple[bool, Mapping[str, Any]]]
"(all is well, details fit for JSON and for everybody who reaches the port)"


def monitor(render_metrics: Callable[[], bytes], content_type: str, health: Health) -> FastAPI:
    app = FastAPI(title="Lamplighter monitor", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(render_metrics(), headers={"Content-Type": content_type})

    @app.get("/healthz")
    async def healthz(response: Response) -> dict[str, Any]:
        """200 while the service does its work, else 503."""
        well, details = health()
        response.status_code = 200 if well else 503
        return {"status": "ok" if well else "degraded", **details}

    return app
