"""A user agent on PJSIP's pjsua2, for the tests: does what it is told on its standard input, and prints what happens.

    python -m tests.interop.drivers.pjsua ADDRESS USER PASSWORD SERVER-URI TRANSPORT AUTHORITY [BUDDY-URI …]

Lines: ``publish available|busy|offline``, ``message URI TEXT``, ``quit``. It prints ``registered``, ``buddy URI online
ACTIVITY NOTE``, ``message URI TEXT``, ``sent``.
"""

import select
import sys

import pjsua2 as pj

ONLINE = {pj.PJSUA_BUDDY_STATUS_ONLINE: "online", pj.PJSUA_BUDDY_STATUS_OFFLINE: "offline"}
ACTIVITY = {pj.PJRPID_ACTIVITY_BUSY: "busy", pj.PJRPID_ACTIVITY_AWAY: "away"}
KINDS = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}


def say(*words: object) -> None:
    print(*words, flush=True)


class Buddy(pj.Buddy):
    def onBuddyState(self) -> None:
        info = self.getInfo()
        status = info.presStatus
        say(
            "buddy",
            info.uri,
            ONLINE.get(status.status, "unknown"),
            ACTIVITY.get(status.activity, "-"),
            status.note,
        )


class Account(pj.Account):
    def onRegState(self, prm: pj.OnRegStateParam) -> None:
        say("registered" if prm.code == 200 else f"not registered {prm.code}")

    def onInstantMessage(self, prm: pj.OnInstantMessageParam) -> None:
        say("message", prm.fromUri, prm.msgBody.replace("\n", " "))

    def onInstantMessageStatus(self, prm: pj.OnInstantMessageStatusParam) -> None:
        say("sent" if prm.code == 200 else f"not sent {prm.code}")


def presence(state: str) -> pj.PresenceStatus:
    status = pj.PresenceStatus()
    offline = state == "offline"
    status.status = pj.PJSUA_BUDDY_STATUS_OFFLINE if offline else pj.PJSUA_BUDDY_STATUS_ONLINE
    if state == "busy":
        status.activity, status.note = pj.PJRPID_ACTIVITY_BUSY, "Busy"
    return status


def main(
    address: str, user: str, password: str, server: str, transport: str, authority: str, *watched: str
) -> None:
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    # Its own lines would come in the middle of ours: they are written by other threads, past Python.
    config.logConfig.consoleLevel = 0
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    listen = pj.TransportConfig()
    listen.boundAddress = "127.0.0.1"
    listen.tlsConfig.CaListFile = authority
    listen.tlsConfig.verifyServer = True
    endpoint.transportCreate(KINDS[transport], listen)
    endpoint.libStart()

    settings = pj.AccountConfig()
    settings.idUri = f"<{address}>"
    settings.regConfig.registrarUri = server
    settings.sipConfig.proxies.append(f"{server};lr")
    if password:
        settings.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
    settings.presConfig.publishEnabled = True
    account = Account()
    account.create(settings)
    buddies = []
    for uri in watched:
        each = pj.BuddyConfig()
        each.uri, each.subscribe = uri, True
        buddy = Buddy()
        buddy.create(account, each)
        buddies.append(buddy)
    say("ready")
    writers: dict[str, pj.Buddy] = {}
    while True:
        endpoint.libHandleEvents(10)
        if not select.select([sys.stdin], [], [], 0)[0]:
            continue
        verb, _, rest = sys.stdin.readline().strip().partition(" ")
        if verb == "publish":
            account.setOnlineStatus(presence(rest))
        elif verb == "message":
            uri, _, text = rest.partition(" ")
            if uri not in writers:
                each = pj.BuddyConfig()
                each.uri = uri
                writers[uri] = Buddy()
                writers[uri].create(account, each)
            what = pj.SendInstantMessageParam()
            what.content = text
            writers[uri].sendInstantMessage(what)
        else:
            break
    account.shutdown()
    for each in (*buddies, *writers.values()):
        del each
    endpoint.libDestroy()


if __name__ == "__main__":
    main(*sys.argv[1:])
