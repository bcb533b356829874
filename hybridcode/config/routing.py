"""routing.toml: who writes first, by kind of work, as it was measured on this repository.

Invariant: a table that nobody trusted routes nothing; why a route holds is computed from its counts, never read.
"""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from hybridcode.config.trust import RepositoryConfig
from hybridcode.domain.errors import ConfigError
from hybridcode.domain.proportion import Interval, wilson
from hybridcode.domain.work import ANY_LANGUAGE, Work, WorkKind

ROUTING_FILE = "routing.toml"


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who writes first for one kind of work, and what that rests on."""

    kind: WorkKind
    language: str = ANY_LANGUAGE
    """As in Work; `any` stands for all that have no route of their own."""
    first: Literal["local", "frontier"]
    local_tries: int = 1
    """Drafts by the local model where it writes first; never more than [routing] local_tries."""
    passed: int
    """Cases that the local model passed."""
    tried: int
    """Cases that it was given."""

    @property
    def interval(self) -> Interval:
        """Where the local model's true share lies."""
        return wilson(self.passed, self.tried)

    @property
    def why(self) -> str:
        """`routing.toml: small edits in python: the local model passed 11 of 12 (64-99 %)`."""
        work = Work(self.kind, self.language)
        return f"{ROUTING_FILE}: {work}: the local model passed {self.passed} of {self.tried} ({self.interval})"


class RoutingTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All routes, and the models that they were measured with."""

    version: Literal[1] = 1
    local: str = ""
    """Name of the local model."""
    frontier: str = ""
    """Name of the frontier model, if it was measured."""
    route: tuple[Route, ...] = ()

    def route_for(self, work: Work) -> Route | None:
        """The route of this kind and language, or else of this kind in any language."""
        found = {(route.kind, route.language): route for route in self.route}
        return found.get((work.kind, work.language)) or found.get((work.kind, ANY_LANGUAGE))


NO_TABLE = RoutingTable()


def parse_routing(data: bytes, *, path: Path) -> RoutingTable:
    """The table in a file's bytes.

    Raises:
        ConfigError: not TOML, an unknown key or version, counts that cannot be, or a route twice.
    """
    try:
        table = msgspec.convert(tomllib.loads(data.decode("utf-8-sig")), type=RoutingTable)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}", "Correct the file, or move it away.") from error
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}", "Remove it; `hybridcode calibrate` writes it anew.") from error
    seen = set[tuple[str, str]]()
    for number, route in enumerate(table.route, 1):
        if not 0 <= route.passed <= route.tried or route.local_tries < 1:
            raise ConfigError(
                f"{path}, route {number}: the counts cannot be", "Remove it; `hybridcode calibrate` writes it anew."
            )
        if (route.kind, route.language) in seen:
            raise ConfigError(f"{path}, route {number}: {route.kind} in {route.language} stands twice", "Remove one.")
        seen.add((route.kind, route.language))
    return table


def routing_of(repository: RepositoryConfig, *, is_trusted: bool) -> tuple[RoutingTable, tuple[str, ...]]:
    """The table that counts here, and warnings. What an untrusted one says is checked and not followed.

    Raises:
        ConfigError: as `parse_routing`.
    """
    path = repository.folder / ROUTING_FILE
    data = repository.files.get(ROUTING_FILE)
    table = NO_TABLE if data is None else parse_routing(data, path=path)
    if is_trusted or not table.route:
        return table, ()
    return NO_TABLE, (f"{path} is not followed: it says who writes first, and it is not trusted (hybridcode trust)",)


def followed(table: RoutingTable, *, is_on: bool, local: str | None) -> tuple[RoutingTable, tuple[str, ...]]:
    """The table for a session with this local model, and warnings: what was measured with another one says nothing."""
    if not table.route or not is_on:
        return NO_TABLE, ()
    if local is None or local == table.local:
        return table, ()
    return NO_TABLE, (
        f"{ROUTING_FILE} is not followed: it was measured with {table.local}, and the local model is {local} "
        "(hybridcode calibrate measures again)",
    )
