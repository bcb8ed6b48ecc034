"""The composition root: read it to know the program.

Facts flow connectors -> rules -> publisher -> presence server -> watchers. The parts are opened from the lamp back to
the calendar, so that nothing speaks before somebody listens, and closed the other way round.
"""

import asyncio
import logging
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent import assembly, source_assembly
from agent.choices import Choices
from agent.clock import Clock
from agent.commands import Commands
from agent.decider import Decider
from agent.errors import UserError
from agent.figures import ServerMeter, StoreHealth, ask_figures
from agent.ingress_assembly import callback_url, open_ingress
from agent.insight import ServiceInsight
from agent.known_places import KnownPlaces
from agent.linked_accounts import LinkedAccounts
from agent.linking import Linking
from agent.links_in_force import LinksInForce
from agent.net.memory import Hop
from agent.net.resolver import Resolver
from agent.net.tokens import Tokens
from agent.net.transcript import Transcript
from agent.net.user_agent import UserAgent
from agent.phone_facts import PhoneFacts
from agent.probe import Probe
from agent.publisher.compose import publish_body
from agent.publisher.continuity import Continuity
from agent.publisher.publisher import Publisher
from agent.reload import Reload
from agent.schedules import Schedules
from agent.server.server import PresenceServer
from agent.settings import Settings
from agent.sip.endpoint import Discarded
from agent.sip.flows import Transport
from agent.source_assembly import LinkPlan
from agent.store.heartbeat import keep_beating
from agent.store.store import Store
from agent.subscriptions import Subscriptions
from agent.supervise import Supervisor
from agent.telemetry.logs import Repeats
from agent.telemetry.loop_lag import watch_loop
from agent.telemetry.metrics import CONTENT_TYPE, Metrics
from agent.vault.memory import KeptMemories
from agent.web.control import control
from agent.web.ingress.choosing import Choosing
from agent.web.ingress.destinations import Destinations
from agent.web.ingress.enrollment import Enrollment
from agent.web.ingress.tokens import IngressTokens
from agent.web.monitor import monitor
from agent.web.serving import serve, tcp_socket, unix_socket
from connectors.runner import Runner
from connectors.workshop import Workshop
from rules import Person, RuleSet
from rules.decision import Decision

log = logging.getLogger("lamplighter.app")

FIRST_POLLS = 15.0
"Seconds that the sources get after a restart before their silence counts."


@dataclass(frozen=True, slots=True)
class App:
    """A running service. Made by `open_app`."""

    server: PresenceServer
    store: Store
    decider: Decider
    runner: Runner
    publisher: Publisher
    supervisor: Supervisor
    addresses: list[tuple[Transport, tuple[str, int]]]
    "Where SIP is listened for, ports as they really are."
    http_port: int | None
    ingress_port: int | None
    reload: Reload
    choices: Choices
    tokens: IngressTokens
    places: KnownPlaces
    metrics: Metrics


@asynccontextmanager
async def open_app(
    settings: Settings,
    clock: Clock,
    *,
    transcript: Transcript | None = None,
    control_path: Path | None = None,
    reread: Callable[[], Settings] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[App]:
    """Everything, in the order of the pipeline from its end. Raises UserError before anything is half open.

    ``environ``: may hold the key of the store's secrets. ``reread`` reads the settings again and raises UserError;
    None: these settings stay.
    """
    ruleset: RuleSet = assembly.load_rules(settings)
    people = assembly.people(settings)
    metrics = Metrics()
    transcript = transcript or Transcript()
    async with AsyncExitStack() as stack:
        # 0. The control socket first: whoever holds it owns the store and the ports.
        control_socket: socket.socket | None = None
        if control_path is not None:
            control_socket = _listening(lambda: unix_socket(control_path))
            stack.callback(control_socket.close)
            stack.callback(control_path.unlink, missing_ok=True)

        # 1. The store: what survives a restart.
        store = await Store.open(
            settings.store.url_with_password(),
            clock,
            durability=settings.store.durability,
            on_group=lambda rows, seconds, ok: (
                metrics.store_committed(rows, seconds) if ok else metrics.store_failed()
            ),
        )
        stack.push_async_callback(store.close)
        vault, keys = assembly.keys(settings, environ, store)
        await keys.check()
        store.on_health = StoreHealth(clock).changed
        supervisor = await stack.enter_async_context(
            Supervisor(clock=clock, on_restart=metrics.task_restarted)
        )
        supervisor.service(lambda: keep_beating(store, asyncio.sleep), "store")

        # 2. The presence server: PUBLISH and SUBSCRIBE in, NOTIFY out to every watcher.
        repeats = Repeats()

        def discarded(event: Discarded) -> None:
            metrics.sip_malformed(event.flow.transport.value)
            held_back = repeats.admit((event.flow.remote[0], event.reason), clock.monotonic())
            if held_back is not None:
                answer = f"answered {event.status}" if event.status else "not answered"
                more = f", and {held_back} times before" if held_back else ""
                log.info("of no use: %s from %s (%s%s)", event.reason, event.flow, answer, more)

        accounts = assembly.accounts(settings, store, clock, vault)
        tls_client = assembly.tls_client(settings)
        server = PresenceServer(
            store,
            clock,
            assembly.server_config(settings),
            Resolver(),
            supervisor.spawn,
            passwords=assembly.passwords(settings, accounts),
            policy=assembly.composition(settings),
            tls_client=tls_client,
            meter=ServerMeter(metrics),
            transcript=transcript,
            on_discarded=discarded,
        )
        stack.callback(server.close)
        try:
            await server.start(assembly.listeners(settings))
        except OSError as error:
            raise UserError(error.strerror or str(error)) from None
        supervisor.service(lambda: server.transports.watch_certificates(asyncio.sleep), "certificates")

        # 3. The publisher: decisions become PIDF, PIDF becomes PUBLISH.
        way: Hop | UserAgent
        if settings.publisher.target == "built-in":
            way = Hop(server.driver)
            stack.callback(way.close)
        else:
            way = await stack.enter_async_context(
                UserAgent.open(
                    clock,
                    Resolver(),
                    bind=assembly.client_bind(settings),
                    tls=tls_client,
                    transcript=transcript,
                )
            )
        publisher = Publisher(
            way,
            clock,
            supervisor.spawn,
            assembly.publisher_options(settings),
            token=Tokens(),
            spread=random.random,
            tags=assembly.tags(settings, store),
            on_outcome=lambda kind, status, seconds: metrics.published(settings.publisher.target, status),
        )
        await publisher.start()
        stack.push_async_callback(lambda: publisher.close(remove=False))

        continuity = Continuity(assembly.standing_bodies(settings, store))

        # 4. The rules: facts become decisions, at once and at the second at which the clock changes them.
        def decided(person: Person, decision: Decision, since: datetime) -> None:
            address = people[person.key][1]
            time_zone = person.timezone if person.shows_time_zone else None

            def made(changed_at: datetime) -> bytes:
                return publish_body(decision, address, since, changed_at=changed_at, time_zone=time_zone)

            publisher.publish(address, continuity.body(address, since, made))

        decider = Decider(
            ruleset,
            [person for person, _ in people.values()],
            clock,
            decided,
            _Memories(store),
            metrics.rule_evaluated,
        )
        stack.callback(decider.close)
        server.notifier.told.is_expecting = decider.is_due_within
        standing = publisher.entities()
        linked_accounts, plan = LinkedAccounts(store, vault, clock), LinkPlan(settings)
        linked = {link.person for link in plan.links(linked_accounts.all())}
        decider.hold([key for key in linked if people[key][1] in standing], FIRST_POLLS)
        decider.decide_all()
        for address in standing - {address for _, address in people.values()}:
            publisher.publish(address, None)  # of somebody who was taken out while nothing ran

        # What people chose and when they work are facts too, known before the first decision.
        choices = Choices(store, clock, decider.take, lambda: decider.rules.states)
        choices.restore(people)
        schedules = Schedules(assembly.working_hours(settings), clock, decider.take, decider.forget)
        schedules.tell()
        supervisor.service(lambda: schedules.run(asyncio.sleep), "working hours")

        phones = PhoneFacts(people, store, clock, decider.take, decider.forget)
        server.on_registration = phones.registered
        store.changes.subscribe(phones.on_changes)
        phones.tell_all()

        # 5. The connectors: calendars become facts.
        http = source_assembly.http(settings)
        stack.push_async_callback(http.close)
        workshop = Workshop(children=2)
        stack.push_async_callback(workshop.close)
        subscriptions = Subscriptions(
            clock,
            supervisor,
            token=assembly.token,
            spread=random.random,
            allow=http.allow,
            tls=tls_client,
            transcript=transcript,
        )
        stack.push_async_callback(subscriptions.close)
        commands = Commands(
            people,
            choices.choose,
            lambda key: str(insight.explain(key, None)["text"]),
            lambda key: insight.shown(key),
        )
        server.messages.commands = commands
        memories = KeptMemories(store, vault)
        runner = Runner(
            clock=clock,
            spawn=supervisor.spawn,
            http=http,
            workshop=workshop,
            emit=decider.take,
            forget=decider.forget,
            meter=metrics,
            sip=subscriptions,
            command=lambda key, text: commands(people[key][1], text),
            memory_of=memories.of,
            callback_url=callback_url(settings),
        )
        links_in_force = LinksInForce(runner, linked_accounts, memories, plan)
        links_in_force.apply()
        supervisor.service(runner.run, "connectors")
        linking = Linking(
            linked_accounts,
            memories,
            lambda: links_in_force.plan,
            Probe(
                http,
                workshop,
                clock,
                supervisor.spawn,
                source_assembly.shown(lambda: decider.rules, people),
                runner.hub_of,
            ),
            links_in_force.apply,
        )

        reload = Reload(
            settings,
            reread or (lambda: settings),
            people=people,
            decider=decider,
            links=links_in_force,
            publisher=publisher,
            choices=choices,
            schedules=schedules,
            server=server,
        )

        places = KnownPlaces(people, runner, decider)

        # 6. The ingress: what sources send by themselves.
        destinations = Destinations(runner.requests, lambda: reload.entries)
        tokens = IngressTokens(store, clock, destinations.entries, people.keys)
        enrollment = Enrollment(tokens, clock)
        destinations.add(enrollment.destination())
        destinations.add(
            Choosing(
                lambda key, text: choices.choose(people[key][0], text, "api"), lambda key: insight.shown(key)
            ).destination()
        )
        ingress_port = open_ingress(settings, destinations, tokens, clock, metrics, supervisor)

        # 7. Insight: figures, health, and why.
        insight = ServiceInsight(people, decider, runner, store, transcript)
        ask_figures(metrics, store, server, runner, decider)
        supervisor.service(lambda: watch_loop(metrics, clock.monotonic, asyncio.sleep), "loop lag")
        http_port: int | None = None
        if settings.http.enabled:
            http_sock = _listening(lambda: tcp_socket(settings.http.host, settings.http.port))
            http_port = http_sock.getsockname()[1]
            pages = monitor(metrics.render, CONTENT_TYPE, insight.health)
            supervisor.spawn(serve(pages, http_sock), "http")
        app = App(
            server,
            store,
            decider,
            runner,
            publisher,
            supervisor,
            server.transports.addresses(),
            http_port,
            ingress_port,
            reload,
            choices,
            tokens,
            places,
            metrics,
        )
        if control_socket is not None:
            supervisor.spawn(
                serve(
                    control(insight, reload, choices, accounts, keys, linking, tokens, enrollment, places),
                    control_socket,
                ),
                "control",
            )
        yield app


def _listening(open_socket: Callable[[], socket.socket]) -> socket.socket:
    try:
        return open_socket()
    except OSError as error:
        raise UserError(error.strerror or str(error)) from None


class _Memories:
    """What the rules remember, kept in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def memory(self, person: str) -> dict[str, object] | None:
        return self._store.memory(person)

    def put_memory(self, person: str, memory: Mapping[str, object]) -> None:
        self._store.put_memory(person, memory)
        # Nobody waits for it: what the rules remember can be lost with the last fraction of a second.
        self._store.when_durable(lambda error: None)
