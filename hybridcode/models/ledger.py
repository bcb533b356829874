"""Tokens, seconds and dollars by model and role, and what left this machine: a fold of a session's envelopes.

Invariant: nothing is counted twice and nothing is made up: a cost that is unknown stays unknown, and a scripted
frontier's answers count as nobody's output.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from hybridcode.domain.events import Envelope, Event, ModelAnswered, ModelAsked, SessionOpened
from hybridcode.domain.model import Backend, Role, Usage
from hybridcode.models.pricing import Price


@dataclass
class Account:
    """Sums over calls. Tokens are counted by each model's own tokenizer, bytes are UTF-8."""

    calls: int = 0
    """Tries that were sent, also failed ones."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0
    usd: float | None = 0.0
    """None as soon as one completed call has no known price."""
    uncounted_calls: int = 0
    """Tries that failed or were cancelled, so that nobody told what they used; not in `usd`."""

    def add(self, other: "Account") -> None:
        """Take in another account."""
        self.calls += other.calls
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cached_tokens += other.cached_tokens
        self.input_bytes += other.input_bytes
        self.output_bytes += other.output_bytes
        self.seconds += other.seconds
        self.usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        self.uncounted_calls += other.uncounted_calls

    @classmethod
    def of_answer(cls, event: ModelAnswered) -> Self:
        """The account of one answer, without the call itself."""
        is_uncounted = bool(event.error) or event.finish == "cancelled"
        return cls(
            input_tokens=event.usage.input_tokens,
            output_tokens=event.usage.output_tokens,
            cached_tokens=event.usage.cached_tokens,
            input_bytes=event.usage.input_bytes,
            output_bytes=event.usage.output_bytes,
            seconds=event.timing.total_s,
            usd=event.cost_usd or 0.0 if is_uncounted else event.cost_usd,
            uncounted_calls=int(is_uncounted),
        )


Key = tuple[Backend, str, Role]


@dataclass(frozen=True)
class Estimate:
    """What the same tokens would have cost had the frontier model done everything. Never a bill."""

    usd: float
    source: str
    """Where the price comes from."""
    baseline: str = ""
    """The model whose prices they are; empty where it is whichever the frontier is."""


def all_by(ledger: "Ledger", baseline: str, price: Price, source: str) -> Estimate:
    """The estimate at the prices of one named model: every token as it was counted, cached ones as cached.

    The local model's tokens are taken as they were counted by its own tokenizer, and none of them as cached.
    """
    frontier, local = ledger.frontier, ledger.local
    usage = Usage(
        input_tokens=frontier.input_tokens + local.input_tokens,
        output_tokens=frontier.output_tokens + local.output_tokens,
        cached_tokens=frontier.cached_tokens,
    )
    return Estimate(price.of(usage), source, baseline)


def all_frontier(ledger: "Ledger", price: Price | None) -> Estimate | None:
    """The estimate at a configured price, else at the mean price of this ledger's own priced calls; None without."""
    frontier, local = ledger.frontier, ledger.local
    if price is not None:
        return all_by(ledger, "", price, "prices in the settings")
    used = frontier.input_tokens + frontier.output_tokens
    if not frontier.usd or not used:
        return None
    both = used + local.input_tokens + local.output_tokens
    return Estimate(frontier.usd / used * both, "mean price of the frontier's own calls here")


@dataclass
class Ledger:
    """The accounts of a session."""

    accounts: dict[Key, Account] = field(default_factory=dict[Key, Account])
    """By backend, model and role."""
    scripted: frozenset[str] = frozenset()
    """Names of models whose answers were written beforehand."""
    remote: Account = field(default_factory=Account)
    """Everything that requests to other machines used."""
    remote_calls: int = 0
    bytes_sent: int = 0
    redactions: int = 0
    hosts: set[str] = field(default_factory=set[str])
    _open: dict[str, ModelAsked] = field(default_factory=dict[str, ModelAsked], repr=False, compare=False)
    """Requests that are not answered yet."""

    @classmethod
    def of(cls, envelopes: Iterable[Envelope]) -> Self:
        """Fold envelopes in their order."""
        ledger = cls()
        for envelope in envelopes:
            ledger.take(envelope.event)
        return ledger

    def take(self, event: Event) -> None:
        """Take in one more event."""
        match event:
            case SessionOpened(frontier=str(name), frontier_is_scripted=True):
                self.scripted |= {name}
            case ModelAsked():
                self._open[event.call_id] = event
                self._ask(event)
            case ModelAnswered() if event.call_id in self._open:
                asked, account = self._open.pop(event.call_id), Account.of_answer(event)
                self._account(asked).add(account)
                if asked.is_remote:
                    self.remote.add(account)
            case _:
                pass

    def add(self, other: "Ledger") -> None:
        """Take in the ledger of another session."""
        for key, account in other.accounts.items():
            self.accounts.setdefault(key, Account()).add(account)
        self.scripted |= other.scripted
        self.remote.add(other.remote)
        self.remote_calls += other.remote_calls
        self.bytes_sent += other.bytes_sent
        self.redactions += other.redactions
        self.hosts |= other.hosts

    @property
    def frontier(self) -> Account:
        """Everything that the deciding model did."""
        return _sum(account for (backend, _, _), account in self.accounts.items() if backend == "frontier")

    @property
    def local(self) -> Account:
        """Everything that the writing model did."""
        return _sum(account for (backend, _, _), account in self.accounts.items() if backend == "local")

    @property
    def local_output_share(self) -> float | None:
        """Part of the output bytes that the local model wrote, 0 to 1; None before any output."""
        written = [
            (backend, account.output_bytes)
            for (backend, model, _), account in self.accounts.items()
            if model not in self.scripted
        ]
        total = sum(size for _, size in written)
        return sum(size for backend, size in written if backend == "local") / total if total else None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data: `frontier`, `local` and `local_output_share`."""
        return {
            "frontier": self._backend_json("frontier"),
            "local": self._backend_json("local"),
            "local_output_share": self.local_output_share,
        }

    def egress_json(self) -> dict[str, Any]:
        """Plain JSON data: what was sent to remote hosts."""
        return {
            "remote_calls": self.remote_calls,
            "bytes_sent": self.bytes_sent,
            "input_tokens": self.remote.input_tokens,
            "output_tokens": self.remote.output_tokens,
            "hosts": sorted(self.hosts),
            "redactions": self.redactions,
        }

    def _ask(self, event: ModelAsked) -> None:
        self._account(event).calls += 1
        if event.is_remote:
            self.remote.calls += 1
            self.remote_calls += 1
            self.bytes_sent += event.prompt_bytes
            self.redactions += event.redactions
            self.hosts |= {event.host} if event.host else set()

    def _account(self, event: ModelAsked) -> Account:
        return self.accounts.setdefault((event.backend, event.model, event.role), Account())

    def _backend_json(self, backend: Backend) -> dict[str, Any]:
        mine = {(model, role): account for (kind, model, role), account in self.accounts.items() if kind == backend}
        names = sorted({model for model, _ in mine})
        models = {name: _sum(account for (model, _), account in mine.items() if model == name) for name in names}
        return {
            **asdict(_sum(mine.values())),
            "models": {
                name: {
                    **asdict(account),
                    "is_scripted": name in self.scripted,
                    "roles": {role: asdict(mine[model, role]) for model, role in sorted(mine) if model == name},
                }
                for name, account in models.items()
            },
        }


def _sum(accounts: Iterable[Account]) -> Account:
    total = Account()
    for account in accounts:
        total.add(account)
    return total
