"""A raw SIP party on a TCP connection: bytes as the test wants them, in segments as it wants them."""

import asyncio
import re
import ssl

from agent.sip.messages import Request, Response, response_to
from agent.sip.parsing import parse_datagram

_LENGTH = re.compile(rb"\r\n(?:Content-Length|l) *: *(\d+)", re.IGNORECASE)


class Stream:
    """One connection. Close it, or use it as an async context manager."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._serial = 0

    @classmethod
    async def connect(
        cls, address: tuple[str, int], tls: ssl.SSLContext | None = None, name: str | None = None
    ) -> "Stream":
        """``name``: what the client asks for in TLS (SNI)."""
        name = (name or address[0]) if tls is not None else None
        return cls(*await asyncio.open_connection(*address, ssl=tls, server_hostname=name))

    @property
    def certificate(self) -> bytes:
        """What the other side has shown, in DER."""
        shown: bytes = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown

    async def __aenter__(self) -> "Stream":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    def compose(
        self,
        method: str,
        *lines: str,
        uri: str = "sip:alice@example.org",
        to_tag: str = "",
        call_id: str | None = None,
        cseq: int = 1,
        body: bytes = b"",
        length: bool = True,
    ) -> bytes:
        """The bytes of a request from bob, with a branch of its own."""
        self._serial += 1
        host, port = self._writer.get_extra_info("sockname")[:2]
        secure = self._writer.get_extra_info("ssl_object") is not None
        host = f"[{host}]" if ":" in host else host
        head = (
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{'TLS' if secure else 'TCP'} {host}:{port};branch=z9hG4bK{port}x{self._serial}",
            "Max-Forwards: 70",
            f"From: <sip:bob@example.org>;tag=t{port}",
            f"To: <sip:alice@example.org>{f';tag={to_tag}' if to_tag else ''}",
            f"Call-ID: {call_id or f'c{self._serial}'}@{port}",
            f"CSeq: {cseq} {method}",
            *lines,
            *([f"Content-Length: {len(body)}"] if length else []),
        )
        return "\r\n".join((*head, "", "")).encode() + body

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def flushed(self) -> None:
        await self._writer.drain()

    def no_more(self) -> None:
        """End our side; the other may still speak."""
        self._writer.write_eof()

    async def message(self, within: float = 5.0) -> Request | Response:
        """The next whole message. Raises TimeoutError, or IncompleteReadError at the connection's end."""
        async with asyncio.timeout(within):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await self._reader.readexactly(int(length[1])) if length else b""
        return parse_datagram(head + body)

    async def response(self, within: float = 5.0) -> Response:
        message = await self.message(within)
        assert isinstance(message, Response), message
        return message

    async def notify(self, within: float = 5.0, status: int | None = 200) -> Request:
        """The next message, which is a NOTIFY; answered unless ``status`` is None."""
        message = await self.message(within)
        assert isinstance(message, Request) and message.method == "NOTIFY", message
        if status is not None:
            self.send(response_to(message.headers, status).encode())
        return message

    async def raw(self, count: int, within: float = 5.0) -> bytes:
        async with asyncio.timeout(within):
            return await self._reader.readexactly(count)

    async def ended(self, within: float = 5.0) -> bytes:
        """Wait until the other side has closed; what it still said."""
        async with asyncio.timeout(within):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""
