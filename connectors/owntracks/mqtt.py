"""Follows the messages at an MQTT broker."""

import asyncio
import ssl
from collections.abc import Callable

import aiomqtt

from connectors.connection import client_tls
from connectors.errors import AuthFailed, Forbidden, Misconfigured, Unreachable
from connectors.owntracks.settings import OwnTracksSettings

KEEP_ALIVE = 30
"Seconds."
MOST_QUEUED = 1000
"Messages that wait to be looked at; then older ones are dropped."
REFUSED = {
    4: "bad user name or password",
    5: "not authorized",
    134: "bad user name or password",
    135: "not authorized",
}
"CONNACK codes of MQTT 3.1.1 and 5."


async def follow(
    settings: OwnTracksSettings,
    password: str | None,
    told: Callable[[str, bytes], None],
    heard: Callable[[], None],
    closed: asyncio.Event,
) -> None:
    """Until ``closed``. ``told(topic, payload)`` for each message; ``heard`` when the broker has answered.

    Retained messages are what was last told, which may be from yesterday: their own time says so. Raises
    ConnectorError when the broker is lost.
    """
    assert settings.broker is not None
    context: ssl.SSLContext | None = client_tls(settings.ca_file) if settings.tls else None
    client = aiomqtt.Client(
        settings.broker,
        settings.port or (8883 if settings.tls else 1883),
        username=settings.username,
        password=password if settings.username is not None else None,
        tls_context=context,
        keepalive=KEEP_ALIVE,
        max_queued_incoming_messages=MOST_QUEUED,
    )
    try:
        async with client:
            granted = await client.subscribe(settings.topic, qos=1)
            if all(_code(code) >= 128 for code in granted):
                raise Forbidden(f"the broker does not let us subscribe to {settings.topic}")
            heard()
            await _read(client, told, closed)
    except aiomqtt.MqttCodeError as error:
        reason = REFUSED.get(_code(error.rc))
        if reason is not None:
            raise AuthFailed(f"the broker refuses us: {reason}") from None
        raise Unreachable(f"the broker {settings.broker}: {error}") from None
    except aiomqtt.MqttError as error:
        raise Unreachable(f"the broker {settings.broker}: {error}") from None
    except ValueError as error:
        raise Misconfigured(f"topic {settings.topic}: {error}") from None


async def _read(client: aiomqtt.Client, told: Callable[[str, bytes], None], closed: asyncio.Event) -> None:
    messages = client.messages.__aiter__()
    while not closed.is_set():
        try:
            # `closed` is looked at now and then; a close that can wait so long is none that matters.
            async with asyncio.timeout(1.0):
                message = await anext(messages)
        except TimeoutError:
            continue
        if isinstance(message.payload, bytes | bytearray):
            told(str(message.topic), bytes(message.payload))


def _code(reason: object) -> int:
    value = getattr(reason, "value", reason)
    return value if isinstance(value, int) else -1
