"""Kamailio as the PBX of registered phones, telling of their calls by itself (pua_dialoginfo, presence_dialoginfo)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.kamailio import CHALLENGE, PASSWORD, REALM, database, running
from tests.support.ports import free_port

CONFIGURATION = """#!KAMAILIO
debug=-1
log_stderror=yes
fork=yes
children=1
tcp_children=1
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "dialog.so"
loadmodule "db_sqlite.so"
loadmodule "presence.so"
loadmodule "presence_dialoginfo.so"
loadmodule "pua.so"
loadmodule "pua_dialoginfo.so"
modparam("auth", "qop", "auth")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 1)
modparam("rr", "append_fromtag", 1)
modparam("dialog", "db_mode", 0)
modparam("presence", "db_url", "sqlite:///{folder}/kamailio.db")
modparam("presence", "server_address", "sip:127.0.0.1:{port}")
modparam("presence", "subs_db_mode", 0)
modparam("presence", "publ_cache", 2)
modparam("presence", "clean_period", 0)
modparam("presence", "db_update_period", 0)
modparam("pua", "db_url", "sqlite:///{folder}/kamailio.db")
modparam("pua", "outbound_proxy", "sip:127.0.0.1:{port}")
request_route {{
  if (is_method("PUBLISH")) {{ if (t_newtran()) {{ handle_publish(); t_release(); }} exit; }}
  if (is_method("SUBSCRIBE")) {{
    if (!has_totag()) {{ {challenge} }}
    loose_route();
    if (t_newtran()) {{ handle_subscribe(); t_release(); }}
    exit;
  }}
  if (is_method("REGISTER")) {{ save("location"); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK") && t_check_trans()) {{ t_relay(); }}
    exit;
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
  if (is_method("INVITE")) {{
    record_route();
    dlg_manage();
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
    exit;
  }}
  sl_send_reply("405", "Method Not Allowed");
}}
"""
WATCHER = "watcher"


@asynccontextmanager
async def kamailio_pbx(folder: Path) -> AsyncIterator[str]:
    """Its ``127.0.0.1:PORT``. Subscribers sign in as `WATCHER` with `kamailio.PASSWORD`; phones need not."""
    port = free_port()
    database(folder)
    configuration = folder / "kamailio.cfg"
    challenge = CHALLENGE.format(realm=REALM, password=PASSWORD)
    configuration.write_text(CONFIGURATION.format(port=port, folder=folder, challenge=challenge))
    async with running(configuration, folder, port) as address:
        yield address
