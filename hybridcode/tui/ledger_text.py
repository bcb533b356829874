"""What a session, and all of them, used: tables and curves as text.

Invariant: an unknown cost is called unknown; an estimate is called one and says what it is made of.
"""

from collections.abc import Callable, Sequence

from hybridcode.models.ledger import Account, Ledger, all_frontier
from hybridcode.models.pricing import Price
from hybridcode.tui.accounts import BESIDE, Books, Growth, StepAccount
from hybridcode.tui.amounts import dollars, plural, seconds, short, tokens
from hybridcode.tui.archive import Total
from hybridcode.tui.paint import Part, clip, fit
from hybridcode.tui.plot import Point, plot

_PLOT_ROWS = 5
_WIDEST = 100


def session_parts(
    books: Books, cells: int, *, price: Price | None, budget_usd: float, frontier: str
) -> list[Part | str]:
    """This session: sums, curves, steps."""
    ledger = books.ledger
    if not ledger.accounts:
        return [("no model was asked anything in this session yet\n", "$quiet")]
    cells = min(cells, _WIDEST)
    return [
        *_sums(ledger, cells, price, frontier),
        *_budget(ledger, budget_usd),
        *_curves(books.growth, cells),
        *_steps(list(books.steps.values()), cells),
    ]


def totals_parts(totals: Sequence[Total], cells: int, *, price: Price | None, frontier: str) -> list[Part | str]:
    """All sessions: sums, then one line for each."""
    cells = min(cells, _WIDEST)
    whole = Ledger()
    for total in totals:
        whole.add(total.ledger)
    if not whole.accounts:
        return [("no session of this repository asked a model yet\n", "$quiet")]
    parts = _sums(whole, cells, price, frontier)
    parts += [(f"\n{plural(len(totals), 'session')}, newest first\n", "bold")]
    parts.append((f"{'':<16}{'frontier':>10}{'local':>10}{'cost':>10}\n", "$quiet"))
    for total in totals:
        front, local = total.ledger.frontier, total.ledger.local
        name = total.opened_at[:16].replace("T", " ")
        line = f"{name:<16}{_tokens(front):>10}{_tokens(local):>10}{_cost(_usd(total.ledger)):>10}"
        parts += [line, (f"  {clip(total.task, max(cells - 48, 8))}\n", "$quiet")]
    return parts


def _sums(ledger: Ledger, cells: int, price: Price | None, frontier: str) -> list[Part | str]:
    has_speed = cells >= 70
    head = f"{'':<9}{'calls':>6}{'in':>8}{'cached':>8}{'out':>8}{'time':>9}{'cost':>9}"
    parts: list[Part | str] = [(f"{head}{'speed':>12}\n" if has_speed else f"{head}\n", "$quiet")]
    for name, account in (("frontier", ledger.frontier), ("local", ledger.local)):
        counts = f"{short(account.input_tokens):>8}{short(account.cached_tokens):>8}{short(account.output_tokens):>8}"
        line = f"{name:<9}{account.calls:>6}{counts}{_time(account.seconds):>9}{_cost(account.usd):>9}"
        parts.append(f"{line}{_speed(account):>12}\n" if has_speed else f"{line}\n")
    parts.append(("in, cached and out are tokens by each model's own tokenizer\n", "$quiet"))
    share = ledger.local_output_share
    parts.append("\nlocal share of what was written: " + ("unknown" if share is None else f"{share:.0%}") + "\n")
    estimate = all_frontier(ledger, price)
    name = clip(frontier.rsplit("/", 1)[-1], 30)
    said = f"about {dollars(estimate.usd)} (estimate)" if estimate else "unknown, no price is known"
    parts.append(f"all of it by {name or 'the frontier'}: {said}\n")
    if estimate:
        parts.append((f"  the same tokens at the {estimate.source}\n", "$quiet"))
    if uncounted := ledger.frontier.uncounted_calls + ledger.local.uncounted_calls:
        parts.append((f"{plural(uncounted, 'call')} failed or stopped; what they used is not known\n", "$warning"))
    return parts


def _budget(ledger: Ledger, budget_usd: float) -> list[Part | str]:
    if budget_usd <= 0:
        return [("no limit of dollars is set ([limits] max_cost_usd)\n", "$quiet")]
    spent = _usd(ledger)
    left = "unknown" if spent is None else dollars(max(0.0, budget_usd - spent))
    return [f"left of {dollars(budget_usd)} a run: {left}\n"]


def _curves(grown: Growth, cells: int) -> list[Part | str]:
    parts: list[Part | str] = []
    wanted: tuple[tuple[str, list[Point], Callable[[float], str]], ...] = (
        ("tokens so far, both models", grown.tokens, lambda value: tokens(round(value))),
        ("dollars so far, where known", grown.usd, dollars),
    )
    for title, points, y_text in wanted:
        if points and points[-1][1] > 0:
            lines = plot(points, cells, _PLOT_ROWS, x_text=seconds, y_text=y_text)
            parts += [(f"\n{title}\n", "bold"), *(f"{line}\n" for line in lines)]
    return parts


def _steps(accounts: Sequence[StepAccount], cells: int) -> list[Part | str]:
    parts: list[Part | str] = []
    room = max(cells - 42, 10)
    task: str | None = None
    for account in accounts:
        if account.task != task:
            task = account.task
            parts.append((f"\n{clip(task or 'before a task', cells)}\n", "bold $accent"))
            parts.append((f"{'':<{room}}{'frontier':>10}{'local':>10}{'time':>11}{'cost':>10}\n", "$quiet"))
        name = "plan, verdict" if account.step == BESIDE else f"{account.step} {account.goal}"
        counts = f"{_tokens(account.frontier):>10}{_tokens(account.local):>10}"
        parts.append(f"{fit(name, room)}{counts}{_time(account.seconds):>11}{_cost(account.usd):>10}\n")
    return parts


def _usd(ledger: Ledger) -> float | None:
    both = (ledger.frontier.usd, ledger.local.usd)
    return None if both[0] is None or both[1] is None else both[0] + both[1]


def _tokens(account: Account) -> str:
    return f"{short(account.input_tokens + account.output_tokens)} tok" if account.calls else "-"


def _cost(usd: float | None) -> str:
    return "unknown" if usd is None else dollars(usd)


def _time(amount: float) -> str:
    return seconds(amount).replace(" min ", ":").removesuffix(" s") + (" min" if amount >= 60 else " s")


_SCRIPTED_TPS = 10_000
"""Tokens a second that no model writes: a script answered."""


def _speed(account: Account) -> str:
    rate = account.output_tokens / account.seconds if account.seconds else 0.0
    return f"{rate:.0f} tok/s" if 0 < rate < _SCRIPTED_TPS else "-"
