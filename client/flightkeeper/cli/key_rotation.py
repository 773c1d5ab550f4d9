"""`flightkeeper keys rotate|list|prune|revoke`: the keys of a running cluster.

Owns the verbs and what they say; no secret is ever shown.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from flightkeeper.cli.exits import FAILED, USAGE, fail
from flightkeeper.cli.registries import ConfigOption, RegistryOption, opened
from flightkeeper.flight_server.auth import key_changes, key_ring
from flightkeeper.flight_server.auth.key_changes import NotSeenByAll
from flightkeeper.flight_server.auth.key_ring import (
    Generation,
    KeyState,
    MalformedRing,
    RingRefused,
)
from flightkeeper.flight_server.auth.revocations import MalformedRevocations, TooManyRevocations
from flightkeeper.flight_server.errors import StartFailed

ServiceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--service",
        metavar="NAME",
        envvar="FLIGHTKEEPER_SERVICE",
        help="Whose nodes to wait for; may be repeated.",
    ),
]  # fmt: skip
_SERVICE = "flightsql"


def rotate(
    registry: RegistryOption = None,
    config: ConfigOption = None,
    service: ServiceOption = None,
    keep_s: Annotated[
        float,
        typer.Option(
            min=0, help="Seconds the old key verifies on: at least the longest life of a login."
        ),
    ] = 86_400,
    wait_s: Annotated[float, typer.Option(min=0, help="Seconds to wait for all nodes.")] = 60,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Go on without nodes that do not answer in time.")
    ] = False,
) -> None:
    """Let all nodes sign with a new key, once all of them know it. No client notices."""
    with opened(registry, config) as found, _refusals():
        ring = key_changes.publish(found, time.time())
        if ring.next is None:
            fail("the key was taken over meanwhile by another rotation", FAILED)
        kid = ring.next.keys.kid
        typer.echo(f"published key {kid} as the next one, revision {ring.revision}")
        try:
            key_changes.wait_seen(
                found,
                service or [_SERVICE],
                ring.revision,
                wait_s,
                lambda missing: typer.echo(f"waiting for {', '.join(missing)}"),
            )
        except NotSeenByAll as exc:
            if not force:
                fail(
                    f"not seen within {wait_s} s by {exc}: key {kid} stays the next one and is not "
                    "signed with; run this again to go on, with --force to go on without them",
                    FAILED,
                )
            typer.echo(f"going on without {exc}")
        ring = key_changes.promote(found, kid, time.time(), keep_s)
        typer.echo(f"key {kid} is the current one, revision {ring.revision}")


def list_keys(registry: RegistryOption = None, config: ConfigOption = None) -> None:
    """Show which keys there are, and what for; never the keys themselves."""
    with opened(registry, config) as found, _refusals():
        for generation in key_changes.read_ring(found).generations:
            typer.echo(_line(generation))


def prune(
    kid: Annotated[str, typer.Argument(help="A key to drop before its time.")] = "",
    registry: RegistryOption = None,
    config: ConfigOption = None,
) -> None:
    """Drop the keys that are over, or one before its time: what it signed is refused then."""
    with opened(registry, config) as found, _refusals():
        ring = key_changes.change_ring(found, lambda r: key_ring.prune(r, time.time(), kid))
        typer.echo(f"{len(ring.generations)} keys are left, revision {ring.revision}")


def revoke(
    user: Annotated[str, typer.Option(help="Revoke all logins of this user.")] = "",
    token: Annotated[str, typer.Option(help="Revoke one login: the `sid` of its tokens.")] = "",
    before: Annotated[
        str, typer.Option(metavar="TIME", help="With --user: those before it; now by default.")
    ] = "",
    registry: RegistryOption = None,
    config: ConfigOption = None,
) -> None:
    """Revoke logins on all nodes. Who knows a password can log in again."""
    if bool(user) == bool(token) or (before and not user):
        fail("say either --user NAME [--before TIME] or --token ID", USAGE)
    now_s = time.time()
    before_s = _time_s(before) if before else now_s
    if before_s > now_s:
        fail("--before is in the future; nothing was revoked", USAGE)
    with opened(registry, config) as found, _refusals():
        if user:
            key_changes.revoke_user(found, user, before_s, now_s)
        else:
            key_changes.revoke_login(found, token, now_s)
    typer.echo("revoked")


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (MalformedRing, MalformedRevocations, RingRefused, TooManyRevocations) as exc:
        fail(str(exc), FAILED)
    except StartFailed as exc:
        fail(str(exc), FAILED)


def _line(generation: Generation) -> str:
    since = _told(generation.created_s) if generation.created_s else "the beginning"
    until = f" until {_told(generation.until_s)}" if generation.state is KeyState.RETIRED else ""
    return f"{generation.keys.kid} {generation.state}{until}, made {since}"


def _told(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _time_s(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--before has to be a time such as 2026-01-31T12:00:00Z, not {text}", USAGE)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
