"""The guard of `connectors.http` for libraries that can only speak HTTP by way of requests, in threads of their own.

The address of every connection is checked right before it is made, so neither a name, a literal, a redirect nor a
changed DNS answer gets past. Proxies from the environment are not used.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from connectors.addresses import AllowList, is_public
from connectors.errors import BadData, ConnectorError, Refused, TimedOut, Unreachable
from connectors.http import MAX_BODY


def guarded_adapter(allow: AllowList, ca_file: Path | None = None) -> type[HTTPAdapter]:
    """A class, since exchangelib makes its adapters itself. ``ca_file``: trusted besides the system's."""

    tls = ssl.create_default_context()
    if ca_file is not None:
        tls.load_verify_locations(cafile=ca_file)

    def new_connection(self: HTTPConnection) -> socket.socket:
        host = self._dns_host.strip("[]")
        try:
            found = socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from None
        good = [info[4] for info in found if _may_reach(allow, host, str(info[4][0]))]
        if not good:
            raise NotAllowed(self, "the address is not on the public internet")
        failure: OSError | None = None
        for address in good:
            try:
                # The address, not the name: a second look-up could answer something else.
                return create_connection((str(address[0]), self.port), self.timeout)
            except OSError as error:
                failure = error
        raise NewConnectionError(self, "no connection") from failure

    class Plain(HTTPConnection):
        _new_conn = new_connection

    class Encrypted(HTTPSConnection):
        _new_conn = new_connection

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    class Guarded(HTTPAdapter):
        """Everything of requests, but for where it connects."""

        def init_poolmanager(
            self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
        ) -> None:
            if (version := getattr(urllib3, "HttpVersion", None)) is not None:
                # urllib3-future, which caldav brings in urllib3's place; by HTTP/3 it would go its own way.
                pool_kwargs["disabled_svn"] = {version.h2, version.h3}
            super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": EncryptedPool}

        def build_connection_pool_key_attributes(
            self, request: requests.PreparedRequest, verify: Any, cert: Any = None
        ) -> tuple[dict[str, Any], dict[str, Any]]:
            host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
            return host, {"ssl_context": tls} if host.get("scheme") == "https" else {}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            """Nothing to set: ``tls`` verifies."""

        def send(
            self, request: requests.PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any
        ) -> requests.Response:
            """An answer that is not streamed has at most `MAX_BODY`, as it is and unpacked."""
            kwargs["proxies"] = {}
            answer = super().send(request, stream, *args, **kwargs)
            if not stream:
                _cap(answer)
            return answer

    return Guarded


class TooLarge(requests.RequestException):
    """The answer has more bytes than any honest one."""


def _cap(answer: requests.Response) -> None:
    """Everything that is read of an answer goes through ``iter_content``, ``content`` included."""
    chunks = answer.iter_content

    def capped(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        count = 0
        for chunk in chunks(*args, **kwargs):
            count += len(chunk)
            if count > MAX_BODY:
                answer.close()
                raise TooLarge(f"the answer is larger than {MAX_BODY // 1024} KiB")
            yield chunk

    answer.iter_content = capped  # type: ignore[method-assign]


class NotAllowed(NewConnectionError):
    """The guard said no."""


def guarded_session(allow: AllowList, ca_file: Path | None = None) -> requests.Session:
    """For libraries that take one."""
    session = requests.Session()
    session.trust_env = False
    adapter = guarded_adapter(allow, ca_file)()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def network_error(error: requests.RequestException, host: str) -> ConnectorError:
    """In words, as `connectors.http` has them."""
    causes = [error, *_causes(error)]
    if any(isinstance(cause, NotAllowed) for cause in causes):
        return Refused(f"{host}: the address is not on the public internet")
    if isinstance(error, TooLarge):
        return BadData(str(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreachable(
                f"the encrypted connection to {host} failed ({cause.verify_message})",
                advice="Check the server's certificate; an administrator can name the organisation's own CA file.",
            )
    if any(isinstance(cause, requests.Timeout) for cause in causes):
        return TimedOut(f"{host} did not answer in time")
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return Unreachable(f"cannot connect to {host} (the name is not known)")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Unreachable(f"cannot connect to {host} (connection refused)")
    return Unreachable(f"the connection to {host} broke ({type(error).__name__})")


def _causes(error: BaseException) -> list[BaseException]:
    """Whatever led to it, however requests and urllib3 have wrapped it."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        inner = [
            getattr(one, "reason", None),
            getattr(one, "__cause__", None),
            getattr(one, "__context__", None),
        ]
        for cause in [*inner, *getattr(one, "args", ())]:
            if isinstance(cause, BaseException) and cause not in found:
                found.append(cause)
                waiting.append(cause)
    return found


def _may_reach(allow: AllowList, host: str, address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return allow.has_host(host) or allow.has_address(parsed) or is_public(parsed)
