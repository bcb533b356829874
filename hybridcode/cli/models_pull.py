"""`hybridcode models pull`: get a model, after showing what it is and asking.

Invariant: not a byte is asked for before a yes; what stays of a broken download is said, and how to go on.
"""

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from hybridcode.cli import console
from hybridcode.cli.workspace import settings_of, workspace_options
from hybridcode.config.settings import LocalSettings
from hybridcode.domain.errors import ConfigError, EgressForbidden, HybridcodeError
from hybridcode.models.catalogue import Entry, catalogue, entry_named
from hybridcode.models.model_files import ModelBusy, Part
from hybridcode.models.pull import Progress, Pull, Pulled, Wanted, free_bytes
from hybridcode.models.shelf import Shelf, check_name, is_split
from hybridcode.models.transfer import TOKEN_HOST, Source, host_to_show, token_of
from hybridcode.session.amounts import duration, size

PLAIN_EVERY_S = 5.0
"""Seconds between two lines about the progress where there is no terminal."""
REDRAW_EVERY_S = 0.1
SPEED_OVER_S = 10.0
"""Seconds that the shown speed is measured over."""


@click.command()
@click.argument("model", metavar="NAME|URL")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--name", default="", help="What to call it here.")
@click.option("--sha256", default="", metavar="HEX", help="Digest that the file must have.")
@click.option("--offline", is_flag=True, help="Forbid every remote call: then nothing can be pulled.")
@workspace_options
def pull(model: str, yes: bool, name: str, sha256: str, offline: bool, cwd: Path | None, as_json: bool) -> None:
    """Download a model by its name in `models list`, or a GGUF file from an https URL.

    An interrupted download goes on where it stopped. For files that need an account: HF_TOKEN.
    """
    _, loaded = settings_of(cwd)
    entry = entry_named(model)
    wanted = _wanted(model, entry, name, _digest(sha256))
    if offline or loaded.settings.egress.mode == "offline":
        raise EgressForbidden(
            f"{wanted.name} would come from {host_to_show(wanted.source.url)}, and remote calls are forbidden.",
            "Leave out --offline and [egress] mode = 'offline', or fetch the file elsewhere and `models add` it.",
        )
    shelf = Shelf()
    here = shelf.find(wanted.name)
    if here is not None and here.kind != "unfinished":
        raise ConfigError(
            f"{wanted.name} is here already: {here.path}", "Choose another --name, or `hybridcode models rm` it first."
        )
    _show(wanted, entry, shelf.folder)
    if not yes and not _agreed():
        console.say("nothing was downloaded")
        return
    pulled = _fetch(wanted, shelf.folder, again=_command(model, name, sha256))
    if as_json:
        console.json_data(pulled)
    else:
        _tell(pulled, loaded.settings.models.local)


def _wanted(model: str, entry: Entry | None, name: str, sha256: str) -> Wanted:
    if entry is not None:
        if sha256 and entry.sha256 and sha256 != entry.sha256:
            raise ConfigError(f"{entry.id} is pinned to {entry.sha256}.", "Leave out --sha256, or pull a URL.")
        url, size_there = entry.url, entry.bytes if entry.is_pinned else None
        name, sha256 = name or entry.id, sha256 or entry.sha256
    elif "://" in model:
        url, size_there = _resolve_link(model), None
        name = name or Path(unquote(urlsplit(url).path)).name.removesuffix(".gguf")
    else:
        names = ", ".join(known.id for known in catalogue())
        raise ConfigError(f"There is no model {model} to pull.", f"Give an https URL, or one of: {names}")
    host = host_to_show(url)
    check_name(name)
    if is_split(name) or is_split(Path(urlsplit(url).path).name):
        raise ConfigError(
            "This is one file of a split model, and those are not supported.",
            "Choose a quantisation that is one file, or join the parts (`llama-gguf-split --merge`) and add that.",
        )
    token = token_of(os.environ) if host == TOKEN_HOST else ""
    return Wanted(name=name, source=Source(url, token), sha256=sha256, bytes=size_there)


def _resolve_link(url: str) -> str:
    """The file itself, where a link leads to its page on Hugging Face."""
    parts = urlsplit(url)
    if parts.hostname == TOKEN_HOST and "/blob/" in parts.path:
        return url.replace("/blob/", "/resolve/", 1)
    return url


def _digest(text: str) -> str:
    digest = text.strip().lower().removeprefix("sha256:")
    if digest and (len(digest) != 64 or set(digest) - set("0123456789abcdef")):
        raise ConfigError("--sha256 is not a SHA-256.", "It has 64 hexadecimal digits.")
    return digest


def _show(wanted: Wanted, entry: Entry | None, folder: Path) -> None:
    part = Part(folder, wanted.name)
    amount = size(entry.bytes if entry else None)
    if entry is not None and not entry.is_pinned:
        amount = f"about {amount}"
    lines = [
        f"model:    {entry.title if entry else wanted.name}",
        f"from:     {host_to_show(wanted.source.url)}{urlsplit(wanted.source.url).path}",
        f"size:     {amount}" + (f", {size(part.size)} of it are here" if part.size else ""),
        f"licence:  {entry.licence if entry else 'see its page; not known here'}",
        f"sha256:   {wanted.sha256 or 'unpinned: it is not known beforehand what the right file is'}",
        f"to:       {part.target}",
        f"free:     {size(free_bytes(folder))} on that disk",
    ]
    if wanted.source.token:
        lines.append(f"token:    the one in the environment is sent to {TOKEN_HOST}, and to no other host")
    for line in lines:
        console.say(console.shown(line))


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("Nobody can be asked whether to download this; nothing was.", "Say --yes.")
    return click.confirm("Download it?", err=True)


def _fetch(wanted: Wanted, folder: Path, *, again: str) -> Pulled:
    bar = _Bar()
    try:
        return Pull(wanted, folder, on_progress=bar.show, on_notice=bar.notice).run()
    except ModelBusy:
        raise
    except (HybridcodeError, KeyboardInterrupt):
        bar.end()
        if kept := Part(folder, wanted.name).size:
            console.say(f"{size(kept)} are kept; to go on: {console.shown(again)}")
        raise
    finally:
        bar.end()


def _command(model: str, name: str, sha256: str) -> str:
    options = [word for flag, value in (("--name", name), ("--sha256", sha256)) if value for word in (flag, value)]
    return shlex.join(["hybridcode", "models", "pull", model, *options])


def _tell(pulled: Pulled, local: LocalSettings) -> None:
    console.say(f"{pulled.name} is here: {console.shown(pulled.path)} ({size(pulled.bytes)})")
    console.say(
        f"sha256 {pulled.sha256}, "
        + ("as it should be" if pulled.is_pinned else "unpinned: there was nothing to compare it with")
    )
    console.say(f"Use it: hybridcode config set models.local.name={pulled.name}")
    for key, value in (("path", local.path), ("base_url", local.base_url)):
        if value:
            console.say(f"        hybridcode config set models.local.{key}=    (it is set, and comes first)")


class _Bar:
    """How far a download is, on a line that is drawn over, or on a line every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: list[tuple[float, int]] = []
        """Recent (time, bytes), oldest first."""
        self._stage = ""
        self._shown_at = 0.0
        self._is_drawn = False

    def show(self, progress: Progress) -> None:
        now = self._clock()
        if progress.stage != self._stage:
            self._stage, self._marks, self._shown_at = progress.stage, [], now if self._stage == "" else 0.0
        if not self._marks or now - self._marks[-1][0] >= REDRAW_EVERY_S:
            self._marks = [*(mark for mark in self._marks if now - mark[0] <= SPEED_OVER_S), (now, progress.done)]
        if now - self._shown_at < (REDRAW_EVERY_S if console.is_live() else PLAIN_EVERY_S):
            return
        self._shown_at = now
        if console.is_live():
            console.redraw(_bar(progress) + self._text(progress))
            self._is_drawn = True
        else:
            console.say(self._text(progress))

    def notice(self, text: str) -> None:
        """Say something in between."""
        self.end()
        console.say(console.shown(text))

    def end(self) -> None:
        """Leave the line that was drawn."""
        if self._is_drawn:
            console.say()
        self._is_drawn = False

    def _text(self, progress: Progress) -> str:
        (since, before), (now, done) = self._marks[0], self._marks[-1]
        speed = (done - before) / (now - since) if now > since else 0.0
        verb = "checking " if progress.stage == "check" else ""
        text = f"{verb}{size(progress.done)}"
        if progress.total:
            text += f" of {size(progress.total)} ({progress.done / progress.total:.0%})"
        if speed:
            text += f"  {size(round(speed))}/s"
            if progress.total:
                text += f"  {duration((progress.total - progress.done) / speed)} left"
        return text


def _bar(progress: Progress, width: int = 20) -> str:
    if not progress.total:
        return ""
    filled = progress.done * width // progress.total
    return f"[{'#' * filled}{'-' * (width - filled)}] "
