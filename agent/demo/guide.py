"""What the demo tells newcomers: how to point a softphone at it, and what to try next. Pure."""

from agent.demo.organisation import ALICE, BOB, MEMBERS
from agent.demo.service import Place


def guide(place: Place, program: str) -> list[str]:
    """Lines for people. ``program``: how the command ``lamplighter`` is called here."""
    server = f"127.0.0.1:{place.sip_port}"
    return [
        "[bold]Your own softphone[/], on this machine:",
        f"  SIP server (or outbound proxy)  {server}, UDP or TCP; no password; leave registration off",
        f"  buddies to add                  {'  '.join(member.uri for member in MEMBERS)}",
        "[bold]To try next[/], in another terminal:",
        f"  {program} watch {ALICE.uri} --server {server} --transport tcp --raw",
        f'  {program} publish {BOB.uri} --activity on-the-phone --note "With a customer" --server {server}',
        f"  {program} status --settings {place.settings}",
        f"  {program} explain {ALICE.key} --settings {place.settings}",
        f"  curl -s http://127.0.0.1:{place.http_port}/metrics | grep notify_lateness",
        f"  curl -s --unix-socket {place.control} http://control/v1/people/{ALICE.key}/explain",
    ]
