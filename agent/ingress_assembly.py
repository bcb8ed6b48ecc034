"""From settings to the ingress: what it takes at most, its certificate, and its address for others."""

import asyncio
from collections.abc import Callable
from urllib.parse import quote

from agent.clock import Clock
from agent.errors import UserError
from agent.net.tls import Credentials, ServerContext, UnusableCertificate
from agent.settings import Settings
from agent.supervise import Supervisor
from agent.telemetry.metrics import Metrics
from agent.web.ingress.app import Ingress, Limits
from agent.web.ingress.destinations import Destinations
from agent.web.ingress.tokens import IngressTokens
from agent.web.serving import serve, tcp_socket, watch_certificate


def open_ingress(
    settings: Settings,
    destinations: Destinations,
    tokens: IngressTokens,
    clock: Clock,
    metrics: Metrics,
    supervisor: Supervisor,
) -> int | None:
    """Listen, if the settings say so; the port as it really is. Raises UserError."""
    ingress, limits = settings.ingress, settings.ingress.limits
    if not ingress.enabled:
        return None
    certificate = _certificate(settings)
    try:
        sock = tcp_socket(ingress.host, ingress.port)
    except OSError as error:
        raise UserError(error.strerror or str(error)) from None
    port: int = sock.getsockname()[1]
    taken = Limits(limits.body, limits.memory, limits.per_address, limits.per_sender, limits.waiting)
    serving = serve(
        Ingress(destinations, tokens, clock, taken, metrics),
        sock,
        connections=limits.connections,
        tls=certificate,
        proxies=[str(network) for network in ingress.proxies],
    )
    supervisor.spawn(serving, "ingress")
    if certificate is not None:
        supervisor.service(
            lambda: watch_certificate(certificate, asyncio.sleep), "certificate of the ingress"
        )
    return port


def callback_url(settings: Settings) -> Callable[[str], str | None]:
    """From the id of a link or hub to where requests to it arrive."""
    ingress = settings.ingress
    if not ingress.enabled or ingress.public_url is None:
        return lambda receiver: None
    return lambda receiver: f"{ingress.public_url}/in/{quote(receiver)}"


def _certificate(settings: Settings) -> ServerContext | None:
    """None: plain HTTP."""
    certificate = settings.ingress.certificate
    if certificate is None:
        return None
    try:
        return ServerContext(Credentials(certificate, settings.ingress.key))
    except UnusableCertificate as error:
        raise UserError(f"ingress: {error.reason}") from None
