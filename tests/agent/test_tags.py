"""After a restart our publications are taken up again, at whichever server they stand."""

import asyncio
from pathlib import Path

from agent.app import open_app
from agent.assembly import KeptTags
from agent.clock import SystemClock
from agent.publisher.publisher import StoredTag
from agent.settings import load_settings
from agent.sip.flows import Transport
from agent.store.store import Store
from tests.agent.test_app import RULES, SETTINGS
from tests.support.running_server import RunningServer, running_server

ALICE = "sip:alice@example.org"


async def test_tags_are_kept_for_the_server_that_gave_them(tmp_path: Path) -> None:
    url, tag = f"sqlite:///{tmp_path}/state.db", StoredTag("etag-1", 4_000_000_000.0)
    store = await Store.open(url, SystemClock())
    kept = KeptTags(store, "sip:one.example.net")
    kept.save(ALICE, tag)
    kept.save("sip:bob@example.org", tag)
    kept.save("sip:bob@example.org", None)
    await store.close()
    store = await Store.open(url, SystemClock())
    assert await KeptTags(store, "sip:one.example.net").load() == {ALICE: tag}
    assert await KeptTags(store, "sip:other.example.net").load() == {}
    await store.close()


async def test_a_restart_modifies_what_stands_at_another_server(tmp_path: Path) -> None:
    """Otherwise the state from before would go on beside the new one until it expires, and watchers see both."""
    (tmp_path / "rules.yaml").write_text(RULES)
    async with running_server() as other:
        target = f"sip:{other.address(Transport.UDP)}"
        (tmp_path / "lamplighter.yaml").write_text(f'{SETTINGS}\npublisher: {{target: "{target}"}}\n')
        lineages = set()
        for _ in range(2):
            settings = load_settings(tmp_path / "lamplighter.yaml", {})
            async with open_app(settings, SystemClock()) as app:
                tag = await published(other, app.store)
                lineages.add(tag)
        assert len(other.store.publications(ALICE, "presence")) == 1
        assert len(lineages) == 2  # the second run published too


async def published(other: RunningServer, own: Store) -> str:
    """The entity-tag, once it stands at the other server and is kept here."""
    before = {row.entity_tag for row in own.standing()}
    async with asyncio.timeout(10):
        while True:
            there = {row.entity_tag for row in other.store.publications(ALICE, "presence")}
            kept = {row.entity_tag for row in own.standing()}
            if there and there == kept and kept != before:
                return kept.pop()
            await asyncio.sleep(0.01)
