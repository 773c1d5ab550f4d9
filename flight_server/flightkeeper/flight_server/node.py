"""A node's life: put together, started, drained, closed.

The composition root: the only place that knows all parts. Owns their order: the registry hears of
a node after it listens, and is left before it stops.
"""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from flightkeeper.discovery.errors import DuplicateNode, RegistryError
from flightkeeper.discovery.records import Instance, NodeState
from flightkeeper.discovery.registry import Registry
from flightkeeper.flight_server import parts
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.auth import key_ring
from flightkeeper.flight_server.auth.key_following import FollowedKeys
from flightkeeper.flight_server.auth.key_ring import Ring
from flightkeeper.flight_server.auth.middleware import Authentication
from flightkeeper.flight_server.auth.tokens import Tokens
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.cluster.commands import Commands
from flightkeeper.flight_server.cluster.member import Member
from flightkeeper.flight_server.cluster.principals import LivePrincipals
from flightkeeper.flight_server.cluster.session_locks import SessionLocks
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.engine.cluster_objects import NOTHING, Declared
from flightkeeper.flight_server.engine.database import Database
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flight_server.execution import Execution
from flightkeeper.flight_server.executions import Executions
from flightkeeper.flight_server.handlers import families, routes
from flightkeeper.flight_server.lake.part import LakePart
from flightkeeper.flight_server.listening import listen
from flightkeeper.flight_server.live.adjusting import Adjustable
from flightkeeper.flight_server.live.following import Following
from flightkeeper.flight_server.live.settings import Decision
from flightkeeper.flight_server.own_record import OwnRecord
from flightkeeper.flight_server.placement import Placement
from flightkeeper.flight_server.service import FlightSqlService
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.staging import Staging
from flightkeeper.flight_server.system import agreed
from flightkeeper.flight_server.system.events import What
from flightkeeper.flight_server.system.parts import Around, System
from flightkeeper.flight_server.system.rights import Rights
from flightkeeper.flightsql.cancellation import CancelWatcher
from flightkeeper.flightsql.tickets import Signer
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Transaction as TransactionBody

_REGISTERED_WITHIN_S = 10.0
_HOUSEKEEPING_S = 1.0
_FOLLOWING_WITHIN_S = 5.0
_PARTS = (
    "_following",
    "_keys",
    "_lake",
    "_member",
    "_system",
    "_executions",
    "_sessions",
    "_service",
    "_principals",
    "_watcher",
    "_database",
    "_registry",
)
"""What is closed, in this order."""
_DRAIN_POLL_S = 0.1
_SILENT_S = 5.0
"""A drain does not wait for a transaction or upload whose client has said nothing for so long."""
_SHUTDOWN_MAX_S = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started node tells whoever started it."""

    node_id: str
    location: str


class Node:
    """One node. `start` once, then `wait`; `drain` and `stop` may come from any thread.

    Threads it owns: `flightkeeper-cancel` (the watcher), `flightkeeper-housekeeping` (expiry),
    `flightkeeper-end` (the drain), and what the registry and gRPC run.
    """

    def __init__(self, settings: NodeSettings, clocks: Clocks | None = None) -> None:
        self._settings = settings
        self._clocks = clocks or Clocks()
        self._incarnation = uuid.uuid4().hex
        self._ended = threading.Event()
        self._stopping = threading.Event()
        self._clean = True
        # Guards `_end_thread`: the end begins once.
        self._end_lock = threading.Lock()
        self._end_thread: threading.Thread | None = None
        self._own: OwnRecord | None = None
        self._registry: Registry | None = None
        self._following: Following | None = None
        self._keys: FollowedKeys | None = None
        self._member: Member | None = None
        self._sources: Mapping[str, str] = {}
        self._principals: LivePrincipals | None = None

    def start(self) -> Ready:
        """Open the database, listen, register.

        Returns: when the node takes statements and the registry has its record, or cannot be
            reached for now.

        Raises:
            StartFailed: says what to change; nothing keeps running.
        """
        try:
            self._registry = parts.opened_registry(self._settings)
            cluster_keys = parts.cluster_keys(self._settings, self._registry)
            self._build(cluster_keys)
            self._own = OwnRecord(self._described())
            self._follow()
            self._system.follow(self._registry, self._record())
            self._register()
            if self._member is not None:
                self._member.serve(self._record().node_id)
            else:
                self._lake.serve_alone(self._system.events.record)
        except RegistryError as exc:
            self._close()
            raise StartFailed(f"the registry {self._settings.registry}: {exc}") from exc
        except BaseException:
            self._close()
            raise
        threading.Thread(
            target=self._keep_house, name="flightkeeper-housekeeping", daemon=True
        ).start()
        return Ready(self._record().node_id, self._record().location)

    def wait(self) -> bool:
        """Wait until the node has ended; False if its engine failed or something would not end."""
        self._ended.wait()
        return self._clean

    def drain(self) -> None:
        """Begin to leave: the registry first, then finish what runs, then end. Idempotent."""
        self._begin_end()

    def stop(self) -> None:
        """End at once: interrupt what runs. Idempotent."""
        self._stopping.set()
        self._begin_end()

    def _build(self, ring: Ring) -> None:
        settings, clocks = self._settings, self._clocks
        self._principals = parts.live_principals(settings, self._registry, clocks)
        users, rules = parts.accounts(settings, self._principals)
        held = key_ring.decide(ring, clocks.wall_s())
        tokens = Tokens(held, settings.token_lifetime_s)
        signer = Signer(*(key.ticket_key for key in held.verifying))
        if self._registry is not None and settings.key_file is None:
            self._keys = parts.followed_keys(self._registry, ring, tokens, signer, clocks)
        self._database = Database(parts.database_options(settings))
        self._lake = LakePart(
            self._database, clocks, lambda: self._settings, lambda: self._record().node_id
        )
        self._sessions = Sessions(self._database, parts.session_limits(settings))
        self._admission = Admission(settings.statements_max)
        self._executions = Executions()
        self._watcher = CancelWatcher()
        self._staging = Staging(
            settings.temp_directory, settings.ingest_bytes_max, clocks.monotonic_s
        )
        authentication = Authentication(users, tokens, clocks.wall_s)
        self._system = self._observed(signer, tokens, authentication, Rights(rules))
        placement = Placement(
            self._database, self._sessions, signer, tokens, clocks, self._incarnation
        )
        execution = Execution(
            *(placement, self._admission, parts.default_options(settings)),
            self._joined().also(self._system.commands, self._lake.owners()),
            *(self._system.activity, self._system.reads, self._lake.rules(rules)),
            copies=self._lake.copies,
        )
        execution.let_sql_set(everything=settings.sql_settings == "all")
        self._adjustable = Adjustable(
            self._database, self._admission, self._sessions, self._staging, execution
        )
        served = families.served(
            families.Workings(
                *(self._database, self._sessions, self._admission, self._executions, self._staging),
                *(placement, execution, signer, clocks),
                facts=parts.known_facts(self._database, lambda: self._settings),
                declared=self._declared,
                home=self._home,
                incarnation=self._incarnation,
                record=self._record,
                forget=self._system.visitors.forget,
            )
        )
        self._listen(routes.merge([served, self._system.routes]), execution, authentication)

    def _listen(
        self, served: routes.Routes, execution: Execution, authentication: Authentication
    ) -> None:
        self._service = listen(
            lambda **server: FlightSqlService(
                served,
                self._admission,
                self._watcher,
                lambda call: execution.options(call).compression,
                self._system.visitors.heard,
                **server,
            ),
            self._settings,
            authentication,
        )

    def _observed(
        self, signer: Signer, tokens: Tokens, authentication: Authentication, rights: Rights
    ) -> System:
        """What the node and others know of it."""
        return System(
            Around(
                *(self._clocks, signer, tokens, authentication, self._sessions, self._admission),
                self._record,
                lambda: (self._settings, self._sources),
                rights,
            ),
            {**self._lake.providers(), **agreed.providers(self._registry)},
        )

    def _joined(self) -> Commands:
        """What statements may ask of the cluster that the node is in, if it is in one."""
        if self._registry is None:
            return Commands({})
        locks = SessionLocks(self._registry, self._sessions, self._admission, self._clocks)
        self._member = Member(
            *(self._registry, self._database, self._clocks, self._tell, locks),
            *(lambda: self._settings, self._system.events.record, self._principals),
            more=self._lake.duties(self._system.events.record),
        )
        return self._member.commands

    def _tell(self, part: str, problem: str, **fields: Any) -> None:
        assert self._own is not None
        self._own.tell(part, problem, **fields)

    def _declared(self) -> Declared:
        return NOTHING if self._member is None else self._member.objects.declared

    def _described(self) -> Instance:
        now_ms = int(self._clocks.wall_s() * 1000)
        known = (self._settings, self._service.port, self._incarnation, now_ms)
        return parts.described(*known, self._database.lake)

    def _follow(self) -> None:
        """Hold to what the cluster has agreed on from before the first statement on."""
        if self._registry is None or self._member is None:
            return
        if self._principals and not self._principals.start(_FOLLOWING_WITHIN_S):
            _log.warning("the registry does not answer; nobody can log in until it does")
        self._following = Following(
            self._registry, self._record().node_id, self._settings, self._apply, self._decided
        )
        followed = self._following.start(_FOLLOWING_WITHIN_S)
        if self._keys is not None:
            followed &= self._keys.start(
                lambda problem, revision: self._tell("keys", problem, keys=revision),
                _FOLLOWING_WITHIN_S,
            )
        # Whatever did not answer yet is followed from when it does.
        followed &= self._member.start(_FOLLOWING_WITHIN_S)
        if not followed:
            _log.warning("the registry does not answer; serving without what the cluster agreed on")

    def _apply(self, settings: NodeSettings) -> None:
        self._adjustable.adjust(self._settings, settings)
        self._settings = settings

    def _decided(self, decision: Decision) -> None:
        """Say in the node's record which settings it has seen, and whether they hold."""
        self._system.settings_decided(decision)
        if not decision.problem:
            self._sources = decision.sources
        assert self._own is not None
        self._own.tell(
            "settings",
            decision.problem,
            weight=self._settings.weight,
            state=NodeState.DRAINING if self._settings.drained else NodeState.UP,
            settings=(decision.cluster, decision.node),
        )

    def _register(self) -> None:
        if self._registry is None or self._own is None:
            return
        try:
            registered = self._own.register(self._registry, _REGISTERED_WITHIN_S)
        except DuplicateNode as exc:
            raise StartFailed(f"{exc}; choose another --node-id") from exc
        if registered:
            self._system.events.record(What.REGISTERED, self._record().node_id)
        else:
            _log.warning("the registry does not answer; serving anyway and trying on")

    def _record(self) -> Instance:
        assert self._own is not None
        return self._own.instance

    def _home(self) -> TransactionBody:
        return TransactionBody(node_id=self._record().node_id, incarnation=self._incarnation)

    def _keep_house(self) -> None:
        while not self._ended.wait(_HOUSEKEEPING_S):
            now_s = self._clocks.monotonic_s()
            self._executions.expire(now_s)
            self._system.expire(self._settings.session_idle_timeout_s)
            if expired := self._sessions.expire(now_s):
                _log.info("idle sessions and transactions ended", count=expired)
                self._system.events.record(
                    What.IDLE_ENDED, "", f"sessions, transactions: {expired}"
                )
            if not self._database.works():
                # Whoever watches over the process starts it again, with a database that works.
                _log.error("the engine has failed and takes no more statements; the node ends")
                self._system.events.record(What.ENGINE_FAILED)
                self._clean = False
                self.stop()
                return

    def _begin_end(self) -> None:
        with self._end_lock:
            if self._end_thread is not None:
                return
            self._end_thread = threading.Thread(
                target=self._end, name="flightkeeper-end", daemon=True
            )
        self._end_thread.start()

    def _end(self) -> None:
        """Leave the registry, let work finish, interrupt what does not, close."""
        _log.info("draining", statements=self._admission.running)
        self._system.events.record(What.DRAINING)
        for part in (self._following, self._keys, self._lake, self._member):
            if part is not None:
                part.close()
        if self._own is not None:
            self._own.withdraw()
        self._admission.close()
        deadline_s = self._clocks.monotonic_s() + self._settings.drain_timeout_s
        while self._busy() and not self._stopping.is_set():
            if self._clocks.monotonic_s() > deadline_s:
                _log.warning("interrupting what did not finish", statements=self._admission.running)
                break
            self._stopping.wait(_DRAIN_POLL_S)
        self._close()
        _log.info("ended")
        self._ended.set()

    def _busy(self) -> bool:
        now_s = self._clocks.monotonic_s()
        in_use = self._sessions.transactions_in_use(now_s, _SILENT_S)
        return self._admission.running > 0 or in_use > 0 or self._staging.receiving(_SILENT_S) > 0

    def _close(self) -> None:
        """Close what was opened, in the opposite order; parts that were never made are skipped."""
        if (admission := getattr(self, "_admission", None)) is not None:
            admission.end()
        if (watcher := getattr(self, "_watcher", None)) is not None:
            watcher.stop_all()
        for name in _PARTS:
            part = getattr(self, name, None)
            if part is None:
                continue
            end = part.shutdown if name == "_service" else part.close
            # DuckDB writes its log into the file then, which takes as long as there is to write.
            waits_s = self._settings.drain_timeout_s if name == "_database" else 0.0
            if not self._closed(end, waits_s):
                _log.warning("a part of the node would not end", part=name.lstrip("_"))
                self._clean = False

    def _closed(self, end: Callable[[], None], waits_s: float) -> bool:
        """Close a part that may hang; whether it ended in time. `stop` cuts the wait short."""
        thread = threading.Thread(target=end, name="flightkeeper-close", daemon=True)
        thread.start()
        deadline_s = time.monotonic() + waits_s
        while thread.is_alive() and not self._stopping.is_set() and time.monotonic() < deadline_s:
            thread.join(_DRAIN_POLL_S)
        thread.join(_SHUTDOWN_MAX_S)
        return not thread.is_alive()
