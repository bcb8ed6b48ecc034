"""A real Asterisk on free loopback ports, with phones to register and hints to watch.

Debian 12 has none: it runs from a tree of another suite (`debian_tree`), with settings and state of its own below the
folder that it is given, so that several can run side by side.
"""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agent.net.tls import Credentials
from tests.support.debian_tree import DebianTree, debian_tree
from tests.support.ports import free_port

SUITES = ("sid", "bullseye")
PASSWORD = "phone-secret"
"Of every phone, and of the watcher's subscriptions."
MANAGER, SECRET = "lamplighter", "manager-secret"
CONTEXT = "internal"

MODULES = [
    "res_pjproject",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjsip",
    "res_pjsip_session",
    "res_pjsip_pubsub",
    "res_pjsip_outbound_publish",
    "res_pjsip_exten_state",
    "res_pjsip_dialog_info_body_generator",
    "res_pjsip_pidf_body_generator",
    "res_pjsip_pidf_eyebeam_body_supplement",
    "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_registrar",
    "res_pjsip_sdp_rtp",
    "res_pjsip_caller_id",
    "res_rtp_asterisk",
    "res_musiconhold",
    "chan_pjsip",
    "res_manager_devicestate",
    "pbx_config",
    "app_dial",
    "app_stack",
    "app_userevent",
    "app_echo",
    "func_callerid",
    "func_devstate",
    "bridge_simple",
    "bridge_native_rtp",
    "bridge_builtin_features",
    "bridge_holding",
]
"Only what a call, a hint and a manager need: it starts in two seconds and opens no other ports."


@dataclass(slots=True)
class Asterisk:
    """``host`` is 127.0.0.1. Made by `asterisk`."""

    folder: Path
    sip_port: int
    manager_port: int
    manager_tls_port: int
    sip_tls_port: int
    tree: DebianTree
    phones: tuple[str, ...]
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Returns when it answers commands. Raises AssertionError with its log when it ends instead."""
        with (self.folder / "console.log").open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self.tree.command("usr/sbin/asterisk"),
                *("-f", "-C", str(self.folder / "etc" / "asterisk.conf")),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        for _ in range(600):
            assert self.process.returncode is None, self.log()
            if "fully booted" in await self.console("core waitfullybooted"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"Asterisk does not answer:\n{self.log()}")

    async def console(self, command: str) -> str:
        """What a command of its console prints; empty when it is not there."""
        process = await asyncio.create_subprocess_exec(
            *self.tree.command("usr/sbin/asterisk"),
            *("-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", command),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        printed, _ = await process.communicate()
        return printed.decode("utf-8", "replace") if process.returncode == 0 else ""

    def freeze(self) -> None:
        """It keeps its connections and says nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """As a power failure would."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.process = None

    async def restart(self) -> None:
        """Registrations and subscriptions are in its database and survive."""
        assert self.process is not None
        self.process.terminate()
        await self.process.wait()
        await self.start()

    def log(self) -> str:
        """What it has said so far."""
        said = [self.folder / "console.log", self.folder / "log" / "messages.log"]
        return "\n".join(path.read_text("utf-8", "replace")[-4000:] for path in said if path.exists())


@asynccontextmanager
async def asterisk(
    folder: Path,
    *,
    phones: Sequence[str] = ("1001", "1002"),
    extensions: str = "",
    endpoint: str = "",
    aor: str = "qualify_frequency=1\nqualify_timeout=1",
    hint: str = "PJSIP/{number}",
    certificate: Credentials | None = None,
) -> AsyncIterator[Asterisk]:
    """Running, with a hint and a call route for each phone, and a ``watcher`` who may subscribe to hints.

    ``extensions``: more lines of its dial plan. ``endpoint``, ``aor``: more settings of each phone; to
    begin with it is asked every second whether it is there. ``hint``: what
    the hint of each watches. ``certificate``: with it
    SIP and the manager are reached over TLS too.
    """
    one = Asterisk(
        folder / "asterisk",
        free_port(),
        free_port(),
        free_port(),
        free_port(),
        debian_tree("asterisk", SUITES),
        tuple(phones),
    )
    _write(one, extensions, endpoint, aor, hint, certificate)
    try:
        await one.start()
        yield one
    finally:
        await one.kill()


def _write(
    one: Asterisk, extensions: str, endpoint: str, aor: str, hint: str, certificate: Credentials | None
) -> None:
    for name in ("etc", "state", "run", "spool", "log"):
        (one.folder / name).mkdir(parents=True)
    settings = {
        "asterisk": _asterisk(one),
        "modules": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in MODULES),
        "logger": "[logfiles]\nmessages.log => notice,warning,error\n",
        "rtp": "[general]\nrtpstart=10000\nrtpend=19998\n",
        "pjsip": _pjsip(one, endpoint, aor, certificate),
        "extensions": _extensions(one, extensions, hint),
        "manager": _manager(one, certificate),
    }
    for name, text in settings.items():
        (one.folder / "etc" / f"{name}.conf").write_text(text)


def _asterisk(one: Asterisk) -> str:
    folders = {
        "etc": one.folder / "etc",
        "mod": one.tree.libraries / "asterisk" / "modules",
        "data": one.tree.root / "usr" / "share" / "asterisk",
        "varlib": one.folder / "state",
        "db": one.folder / "state",
        "key": one.folder / "state",
        "agi": one.folder / "state",
        "spool": one.folder / "spool",
        "run": one.folder / "run",
        "log": one.folder / "log",
    }
    return "[directories]\n" + "".join(f"ast{name}dir => {path}\n" for name, path in folders.items())


def _pjsip(one: Asterisk, endpoint: str, aor: str, certificate: Credentials | None) -> str:
    text = "".join(
        f"[{kind}]\ntype=transport\nprotocol={kind}\nbind=127.0.0.1:{one.sip_port}\n"
        for kind in ("udp", "tcp")
    )
    if certificate is not None:
        text += (
            f"[tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:{one.sip_tls_port}\nmethod=tlsv1_2\n"
            f"cert_file={certificate.certificate}\npriv_key_file={certificate.key}\n"
        )
    for number in one.phones:
        text += (
            f"[{number}]\ntype=endpoint\ncontext={CONTEXT}\ndisallow=all\nallow=ulaw\naors={number}\nauth={number}\n"
            f"callerid=Phone {number} <{number}>\n{endpoint}\n"
            f"[{number}]\ntype=aor\nmax_contacts=1\nremove_existing=yes\n{aor}\n"
        )
    text += f"[watcher]\ntype=endpoint\ncontext={CONTEXT}\nsubscribe_context={CONTEXT}\nauth=watcher\n"
    for user in (*one.phones, "watcher"):
        text += f"[{user}]\ntype=auth\nauth_type=userpass\nusername={user}\npassword={PASSWORD}\n"
    return text


def _extensions(one: Asterisk, more: str, hint: str) -> str:
    lines = [f"[{CONTEXT}]"]
    for number in one.phones:
        lines += [
            f"exten => {number},hint,{hint.format(number=number)}",
            f"exten => {number},1,Dial(PJSIP/{number},60)",
            f"exten => {number},n,Hangup()",
        ]
    return "\n".join([*lines, "exten => 600,1,Answer()", "exten => 600,n,Echo()", more, ""])


def _manager(one: Asterisk, certificate: Credentials | None) -> str:
    text = (
        f"[general]\nenabled=yes\nbindaddr=127.0.0.1\nport={one.manager_port}\ntimestampevents=yes\n"
        "authtimeout=5\nauthlimit=10\n"
    )
    if certificate is not None:
        text += (
            f"tlsenable=yes\ntlsbindaddr=127.0.0.1:{one.manager_tls_port}\n"
            f"tlscertfile={certificate.certificate}\ntlsprivatekey={certificate.key}\n"
        )
    # The least that the connector needs: no right to place calls, to run commands, or to read the settings.
    return text + f"[{MANAGER}]\nsecret={SECRET}\nread=call,user\nwrite=reporting\n"
