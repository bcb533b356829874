"""`hybridcode calibrate`: put steps of this repository's past through the models, and say who should write first.

Invariant: the workspace, git and routing.toml stay as they are until a person says yes to the bytes shown; no model is
asked before a yes to the worst price.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from hybridcode.cli import calibrate_words as words
from hybridcode.cli import console
from hybridcode.cli.options import local_model
from hybridcode.config.keys import read_assignment
from hybridcode.config.load import Loaded, load
from hybridcode.config.routing import ROUTING_FILE
from hybridcode.config.routing_file import routing_text, write_routing
from hybridcode.config.trust import read_repository, trust
from hybridcode.domain.errors import ConfigError, LimitReached, ModelError
from hybridcode.domain.exits import ExitCode
from hybridcode.session.calibration.calibrating import Calibration, named_check, open_calibration
from hybridcode.session.calibration.collecting import Choice, Collected, collect
from hybridcode.session.calibration.contenders import contenders_of
from hybridcode.session.calibration.past import Rebuilder
from hybridcode.session.calibration.price import Worst, worst_case
from hybridcode.session.calibration.table import ENOUGH, Advice, Row, advise, rows_of, table_of
from hybridcode.session.finding import open_existing
from hybridcode.session.models import build_models
from hybridcode.session.session import SessionOptions


@dataclass(frozen=True)
class _Asked:
    """What the command line said."""

    workspace: Path
    loaded: Loaded
    choice: Choice
    models: tuple[str, ...]
    samples: int
    tries: int
    enough: float
    again: bool
    yes: bool
    write: bool
    as_json: bool


@click.command()
@click.option("--source", type=click.Choice(("all", "recorded", "mined")), default="all", help="Where cases come from.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="Commits that are looked at.")
@click.option("--since", default="", metavar="DATE", help="No commit older than this, as '3 months ago'.")
@click.option("--max-cases", type=click.IntRange(1), default=20, show_default=True, help="Cases that are tried.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="local, frontier, a [models.NAME], a GGUF, a URL, a litellm name.",
)
@click.option("--local-model", metavar="PATH|URL|NAME", help="The local model, as in a session.")
@click.option("--samples", type=click.IntRange(1, 9), default=1, show_default=True, help="Trials of a case and model.")
@click.option("--retry", is_flag=True, help="A second try with the reason, where the first one fails.")
@click.option(
    "--enough", type=click.FloatRange(0.01, 0.99), default=ENOUGH, show_default=True, help="Share to be sure of."
)
@click.option("--again", is_flag=True, help="Prove cases anew that proved nothing before.")
@click.option("--test-cmd", metavar="CMD", help="The check; naming it is consent to run it in scratch copies.")
@click.option("--max-cost-usd", type=float, help="Stop before this many dollars.")
@click.option("--timeout", type=float, help="Seconds for all trials together.")
@click.option("--dry-run", is_flag=True, help="List cases and the worst price; run and ask nothing.")
@click.option("-y", "--yes", is_flag=True, help="Agree to the worst price without being asked.")
@click.option("--write", is_flag=True, help="Write .hybridcode/routing.toml without being asked.")
@click.option("--offline", is_flag=True, help="Forbid every remote call.")
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="One more config file.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Work in this folder.")
def calibrate(**given: Any) -> None:
    """Measure on this repository's own past where the local model is good enough.

    Steps of recorded sessions and commits of git's history become cases: the tree before, what was to be done, and a
    check that fails before and passes after. Each model writes each case in a scratch copy. Nothing here is changed;
    routing.toml is written at your yes. Ctrl+C keeps what is done, and the next run goes on.
    """
    asked = _read(given)
    check = named_check(asked.loaded)
    rebuilder = Rebuilder(asked.workspace)
    journal = open_existing(asked.workspace, asked.loaded.settings)
    with journal if journal is not None else contextlib.nullcontext():
        limit = asked.loaded.settings.context.max_file_bytes
        collected = collect(
            asked.workspace, rebuilder, journal=journal, choice=asked.choice, check=check, max_file_bytes=limit
        )
    for note in collected.notes:
        console.say(note)
    if given["dry_run"]:
        _show_plan(asked, collected)
        return
    try:
        code = asyncio.run(_run(asked, collected, rebuilder))
    except asyncio.CancelledError:
        code = ExitCode.TERMINATED
    console.leave(code)


def _read(given: Mapping[str, Any]) -> _Asked:
    workspace = (given["cwd"] or Path.cwd()).resolve()
    named = {
        "verify.test_cmd": given["test_cmd"],
        "limits.max_cost_usd": given["max_cost_usd"],
        "limits.timeout_s": given["timeout"],
        "egress.mode": "offline" if given["offline"] else None,
    }
    values: dict[str, object] = {key: value for key, value in named.items() if value is not None}
    if given["local_model"]:
        values |= local_model(given["local_model"])
    for assignment in given["assignments"]:
        key, value = read_assignment(assignment)
        values[key] = value
    return _Asked(
        workspace=workspace,
        loaded=load(workspace, flags=values, config_file=given["config"]),
        choice=Choice(source=given["source"], limit=given["limit"], since=given["since"], max_cases=given["max_cases"]),
        models=given["models"],
        samples=given["samples"],
        tries=2 if given["retry"] else 1,
        enough=given["enough"],
        again=given["again"],
        yes=given["yes"],
        write=given["write"],
        as_json=given["as_json"],
    )


def _show_plan(asked: _Asked, collected: Collected) -> None:
    """What a calibration would be about, and the most that it could cost."""
    settings = asked.loaded.settings
    largest = sorted(collected.cases, key=lambda case: -len(case.step.regions))[: asked.choice.max_cases]
    models = build_models(settings)
    worst = [
        worst_case(each, largest * asked.samples, step_tokens=settings.context.step_tokens, tries=asked.tries)
        for each in contenders_of(settings, models, asked.models)
    ]
    if asked.as_json:
        cases = [words.case_json(case, collected.works[case.key]) for case in collected.cases]
        console.json_data({"cases": cases, "left_out": collected.left_out, "worst": worst})
        return
    for line in words.case_lines(collected):
        console.data(line)
    found = words.many(len(collected.cases), "case")
    console.say(f"{found}, {len(collected.left_out)} left out; their checks have not been run.")
    console.say(f"At most {len(largest)} would be tried (--max-cases), for at most:")
    for line in words.price_lines(worst):
        console.say(f"  {line}")


async def _run(asked: _Asked, collected: Collected, rebuilder: Rebuilder) -> ExitCode:
    models = build_models(asked.loaded.settings)
    calibration = open_calibration(
        SessionOptions(asked.workspace, asked.loaded, make_models=lambda _: models),
        contenders_of(asked.loaded.settings, models, asked.models),
        collected=collected,
        rebuilder=rebuilder,
        choice=asked.choice,
        samples=asked.samples,
        tries=asked.tries,
        say=lambda text: console.say(text, dim=True),
        again=asked.again,
    )
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        code = await _find_out(asked, calibration)
        _conclude(asked, calibration, code)
        return code
    except asyncio.CancelledError:
        console.say("stopped: what is done is kept; run it again to go on")
        raise
    finally:
        await _close(calibration)


async def _close(calibration: Calibration) -> None:
    for contender in calibration.bench.contenders:
        await contender.model.close()
    await calibration.session.close()


async def _find_out(asked: _Asked, calibration: Calibration) -> ExitCode:
    """Prove, price, ask and try; what stops the trials leaves a table of what there is."""
    await calibration.prove()
    if not calibration.left():
        console.say("no trial is left to be made")
        return ExitCode.DONE
    agreed = calibration.worst()
    _agree(asked, agreed)
    await calibration.load()
    worst = calibration.worst()
    if any(now.requests > then.requests for now, then in zip(worst, agreed, strict=True)):
        _agree(asked, worst)  # windows became smaller than those of the trials on record: more are left
    seconds = asked.loaded.settings.limits.timeout_s
    try:
        async with asyncio.timeout(seconds or None):
            await calibration.measure()
    except TimeoutError:
        console.say(f"stopped after {seconds:g} s (--timeout); run it again to go on")
        return ExitCode.LIMIT
    except (LimitReached, ModelError) as error:
        console.complain(error)
        console.say("what is done is kept; run it again to go on")
        return error.exit_code
    return ExitCode.DONE


def _agree(asked: _Asked, worst: list[Worst]) -> None:
    """A person's yes to what may be spent and sent; needed wherever the frontier is asked.

    Raises:
        ConfigError: a no, or nobody there.
    """
    console.say("At most, at known prices:")
    for line in words.price_lines(worst):
        console.say(f"  {line}")
    if asked.yes or not any(each.trials and each.writer == "frontier" for each in worst):
        return
    try:
        is_agreed = click.confirm("Ask these models?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        hint = "Answer on a terminal, or say --yes after a look at --dry-run."
        raise ConfigError("Nobody agreed to the price: no model was asked.", hint) from None
    if not is_agreed:
        raise ConfigError("No model was asked.", "Leave the frontier out with --model local, or try fewer --max-cases.")


def _conclude(asked: _Asked, calibration: Calibration, code: ExitCode) -> None:
    """Print the table and the advice, and write routing.toml if a person wants it."""
    contenders = calibration.bench.contenders
    local = next((each.name for each in contenders if each.writer == "local"), "")
    frontier = next((each.name for each in contenders if each.writer == "frontier"), "")
    rows = rows_of(calibration.trials())
    advice = advise(rows, local=local, frontier=frontier, enough=asked.enough)
    text = routing_text(table_of(advice, local=local, frontier=frontier))
    if not asked.as_json:
        _show(calibration, rows, advice)
    has_routes = any(each.route is not None for each in advice)
    is_written = _offer(asked, text) if has_routes and code == ExitCode.DONE else False
    if not has_routes and not asked.as_json:
        console.say("nothing to write into routing.toml yet")
    if asked.as_json:
        works = calibration.collected.works
        console.json_data(
            {
                "session": calibration.session.id,
                "cases": [words.case_json(case, works[case.key]) for case in calibration.proven],
                "left_out": [*calibration.collected.left_out, *calibration.left_out],
                "trials": calibration.trials(),
                "table": [words.row_json(row) for row in rows],
                "advice": advice,
                "routing": {"text": text if has_routes else "", "written": is_written},
                "exit_code": int(code),
            }
        )


def _show(calibration: Calibration, rows: list[Row], advice: list[Advice]) -> None:
    for line in words.left_out_lines([*calibration.collected.left_out, *calibration.left_out]):
        console.say(line, dim=True)
    if not rows:
        console.say(f"no trials on record; {words.many(len(calibration.proven), 'case')} can tell")
        return
    for line in words.table_lines(rows):
        console.data(line)
    for line in words.advice_lines(advice):
        console.data(line)


def _offer(asked: _Asked, text: str) -> bool:
    """Show what would become of routing.toml, and write it at a yes. True: it was written."""
    old = asked.loaded.repository.files.get(ROUTING_FILE, b"").decode("utf-8", "replace")
    if old == text:
        console.say(f"{ROUTING_FILE} says so already")
        return False
    for line in words.diff_lines(old, text):
        console.say(line)
    if not asked.write and not _says_write():
        console.say(f"{ROUTING_FILE} is not written; --write does it without asking")
        return False
    path = write_routing(asked.loaded.repository.folder, text)
    console.say(f"{path} written")
    _trust(asked, text)
    return True


def _says_write() -> bool:
    try:
        return click.confirm("Write .hybridcode/routing.toml?", err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        return False


def _trust(asked: _Asked, text: str) -> None:
    """Who has just said yes to these bytes trusts them; other files of the repository need a look of their own."""
    before, now = asked.loaded.repository, read_repository(asked.workspace)
    others = {name: data for name, data in now.files.items() if name != ROUTING_FILE}
    is_as_shown = now.files.get(ROUTING_FILE) == text.encode()
    is_as_before = others == {name: data for name, data in before.files.items() if name != ROUTING_FILE}
    if is_as_shown and is_as_before and (asked.loaded.is_trusted or not others):
        trust(now)
        console.say("it is followed from now on")
    else:
        console.say("it is followed once you trust this repository's files: hybridcode trust")
