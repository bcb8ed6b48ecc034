"""aiosip 0.2.0 as a foreign client, for the tests. It runs on no supported Python by itself: hence the first two lines.

    python -m tests.interop.drivers.aiosip_client ADDRESS LOCAL-PORT HOST PORT PASSWORD

Lines: ``subscribe ADDRESS``, ``publish FILE``, ``message ADDRESS TEXT``, ``quit``. It prints ``notify BODY``, and for
each answer ``published 200``, ``subscribed 200``, ``sent 200``. A MESSAGE makes it fail, having no Contact.
"""

import asyncio
import collections
import sys
import types
from pathlib import Path

asyncio.coroutine = types.coroutine  # type: ignore[attr-defined]
collections.MutableMapping = collections.abc.MutableMapping  # type: ignore[attr-defined]

import aiosip  # noqa: E402
from multidict import CIMultiDict  # noqa: E402

CONTACT = "sip:{user}@127.0.0.1:{port}"


def say(*words: object) -> None:
    print(*words, flush=True)


async def main(address: str, port: int, host: str, server_port: int, password: str) -> None:
    app = aiosip.Application()
    user = address.partition(":")[2].partition("@")[0]
    tags: dict[str, str] = {}

    async def start(to: str) -> aiosip.Dialog:
        dialog = await app.start_dialog(
            from_uri=address,
            to_uri=to,
            contact_uri=CONTACT.format(user=user, port=port),
            local_addr=("127.0.0.1", port),
            remote_addr=(host, server_port),
            password=password,
        )
        kept.append(dialog)
        dialog.register_callback(
            "NOTIFY", lambda _, got: say("notify", " ".join((got.payload or "").split()))
        )
        return dialog

    async def obey(verb: str, first: str, rest: str) -> None:
        if verb == "subscribe":
            headers = CIMultiDict({"Event": "presence", "Expires": "600", "Accept": "application/pidf+xml"})
            answer = await (await start(first)).send_message("SUBSCRIBE", headers=headers)
            say("subscribed", answer.status_code)
        elif verb == "publish":
            headers = CIMultiDict({"Event": "presence", "Expires": "600" if first else "0"})
            if "etag" in tags:
                headers["SIP-If-Match"] = tags["etag"]
            body = Path(first).read_text() if first else ""  # noqa: ASYNC240
            kind = "application/pidf+xml" if first else None
            answer = await (await start(address)).send_message(
                "PUBLISH", headers=headers, content_type=kind, payload=body
            )
            if answer.status_code == 200:
                tags["etag"] = answer.headers["SIP-ETag"]
            say("published", answer.status_code)
        elif verb == "message":
            answer = await (await start(first)).send_message(
                "MESSAGE", content_type="text/plain", payload=rest
            )
            say("sent", answer.status_code)

    kept: list[object] = []
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    say("ready")
    while (line := (await lines.get()).strip()) not in ("", "quit"):
        verb, _, rest = line.partition(" ")
        first, _, text = rest.partition(" ")
        kept.append(loop.create_task(obey(verb, first, text)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]))
