"""The questions of a first start and the answers there are to each.

Invariant: answers are settings and nothing else; making them writes nothing, and each question can be left as it is.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from hybridcode.config.trust import TrustView, describe
from hybridcode.config.trust_effects import TrustEffect
from hybridcode.models.catalogue import Entry, catalogue, frontier_catalogue
from hybridcode.models.shelf import ModelFile
from hybridcode.tui.amounts import plural
from hybridcode.tui.choices import Choices, shown
from hybridcode.tui.found import Found
from hybridcode.tui.paint import Part

Step = Literal["frontier", "local", "trust", "check", "write"]
STEPS: tuple[Step, ...] = ("frontier", "local", "trust", "check", "write")
ASKS: Mapping[Step, str] = {
    "frontier": "which model decides?",
    "local": "which model writes?",
    "trust": "may this repository's files set things?",
    "check": "which command proves a change?",
    "write": "is this what shall be written?",
}
_GIB = 1 << 30

_LOCAL: tuple[str, ...] = ("path", "name", "base_url", "profile", "n_ctx", "max_output_tokens")
_TINY: Mapping[str, object] = {"profile": "tiny", "n_ctx": 2_048, "max_output_tokens": 512}


class Option(NamedTuple):
    """One answer."""

    key: str
    """Unique in its question; `ask:` begins those that want a line, `see:` those that show a text."""
    text: str
    said: str = ""
    about: tuple[Part | str, ...] = ()
    """What stands beside it."""
    changes: Mapping[str, object] | None = None
    """What it writes to the person's own settings; None: nothing is taken by it."""
    command: str = ""
    """What a person may type in a shell instead."""


KEEP = "keep"


def frontier_options(choices: Choices, found: Found) -> list[Option]:
    """Models whose key is set first, then the others, then none."""
    now = str(choices.value("models.frontier.model"))
    offered = sorted(frontier_catalogue(), key=lambda entry: entry.key not in found.keys)
    options = [_keep(now or "none", "the local model plans and judges too" if not now else "")]
    for entry in offered:
        is_set = entry.key in found.keys
        said = f"{entry.key} is set" if is_set else f"{entry.key} is not set"
        about: list[Part | str] = [f"{entry.why}\n\n", ("key      ", "$quiet"), f"{said}\n"]
        if not is_set:
            about += [("so that  ", "$quiet"), (f"export {entry.key}=... before the next start\n", "$warning")]
        about.append(("\nThe key stays in that variable: it is written nowhere.", "$quiet"))
        short = "✓ key set" if is_set else "no key"
        changes = {"models.frontier.model": entry.model}
        options.append(Option(entry.model, entry.model, short, tuple(about), changes))
    another = (
        "Any name that litellm knows, as azure/my-deployment or ollama/qwen3. Its key comes from its usual variable."
    )
    options.append(Option("ask:frontier", "another one", "a litellm name", (another,)))
    if now:
        none = "The local model then plans and judges as well."
        options.append(Option("none", "none", "", (none,), {"models.frontier.model": None}))
    return options


def _keep(now: str, said: str = "") -> Option:
    return Option(KEEP, f"as it is: {now}", said, ("Nothing is changed here.",), {})


def local_options(choices: Choices, found: Found, server: str, answer: str) -> list[Option]:
    """Models of this machine, a file, a server, what can be pulled, the shipped one, none."""
    local = choices.loaded.settings.models.local
    now = local.name or local.path or local.base_url
    options = [_keep(now or "none", "" if now else "the frontier model writes too")]
    options += [_of_shelf(choices, model) for model in found.models if model.kind != "unfinished"]
    path = "A file that llama.cpp can load. Its header is read before it is taken; it stays where it is."
    options.append(Option("ask:path", "a GGUF file", "path", (path,)))
    served: list[Part | str] = ["llama-server, Ollama, LM Studio, vLLM: an address that ends in /v1.\n"]
    if server:
        served += [("\nchosen   ", "$quiet"), (f"{server}\n", "bold")]
        served.append(
            (f"\n{answer}\n" if answer else "\na asks it which model it serves, if it is on this machine.\n", "")
        )
    options.append(Option("ask:server", "a server", server or "http://127.0.0.1:8080/v1, for example", tuple(served)))
    options += [_to_pull(entry, found) for entry in catalogue() if entry.id not in {one.name for one in found.models}]
    tiny = (
        "The fixture that ships, 0.76 million parameters: it knows one small kind of edit and nothing else. "
        "It shows that the engine works; `hybridcode demo` shows more."
    )
    changes = local_changes(choices, {"path": found.tiny, **_TINY})
    options.append(Option("tiny", "the shipped one", "only for trying", (tiny,), changes))
    if now:
        alone = "The frontier model then writes as well: that costs more."
        options.append(Option("none", "none", "", (alone,), local_changes(choices, {})))
    return options


def local_changes(choices: Choices, values: Mapping[str, object]) -> dict[str, object]:
    """What makes exactly this the local model: what another one had beside it is taken out."""
    own = choices.own("user")
    is_tiny = own.get("models.local.profile") == "tiny"
    others = _LOCAL if is_tiny else _LOCAL[:4]
    names = {f"models.local.{name}": None for name in others}
    gone = {name: None for name in names if name in own}
    return {**gone, **{f"models.local.{name}": value for name, value in values.items()}}


def _of_shelf(choices: Choices, model: ModelFile) -> Option:
    weight = _weight(model.bytes) if model.bytes is not None else "the file is gone"
    about = (f"{model.path}\n{weight}",)
    return Option(f"here:{model.name}", model.name, weight, about, local_changes(choices, {"name": model.name}))


def _weight(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _to_pull(entry: Entry, found: Found) -> Option:
    needs = f"needs {entry.needs_gib:g} GiB"
    fits = found.memory is None or entry.needs_gib * _GIB <= found.memory
    room = "" if found.memory is None else f" of {found.memory / _GIB:.1f} GiB that are free"
    about: tuple[Part | str, ...] = (
        f"{entry.title}, {entry.quantisation}, {_weight(entry.bytes)}, {entry.licence}\n{entry.why}\n\n",
        (f"{needs}{room}\n\n", "" if fits else "$warning"),
        "Nothing is downloaded here. In a shell:\n",
        (f"hybridcode models pull {entry.id}\n", "bold"),
        "Then this question has it in its list.",
    )
    said = f"to pull, {needs}" + ("" if fits else ", more than is free")
    return Option(f"pull:{entry.id}", entry.id, said, about, None, f"hybridcode models pull {entry.id}")


def trust_options(choices: Choices, view: TrustView, effects: tuple[TrustEffect, ...]) -> list[Option]:
    """The files, what they would change, and the yes to exactly these bytes."""
    if not view.files:
        none = "This repository has no file of ours: it can set nothing, and there is nothing to trust."
        return [Option(KEEP, "nothing to trust", "no file below .hybridcode", (none,), {})]
    options = [_keep("trusted" if view.is_trusted else "not trusted, its files may only tighten")]
    for name, digest in view.files.items():
        changed = "changed since it was trusted" if name in view.changed else ""
        count = choices.loaded.repository.files[name].count(b"\n")
        about = (
            f".hybridcode/{name}\n",
            (f"sha256 {digest}\n\n", "$quiet"),
            ("Enter", "bold $accent"),
            " shows it in full",
        )
        options.append(Option(f"see:{name}", name, changed or plural(count, "line"), about))
    for effect in effects:
        before, after = shown(effect.before), shown(effect.after)
        about = (f"{effect.name}\n\n", ("now      ", "$quiet"), f"{before}\n", ("trusted  ", "$quiet"), (after, "bold"))
        options.append(Option(f"note:{effect.name}", f"  would set {effect.name}", f"{before} → {after}", about))
    if not view.is_trusted:
        about = (
            f"Bound to these bytes: any change of a file ends it.\n\nsha256 {view.digest}\n\n",
            ("Allow rules, endpoints and checks in them count then.", "$warning"),
        )
        options.append(Option("trust", "trust exactly this content", f"sha256 {view.digest[:12]}", about, {}))
    return options


def check_options(choices: Choices, found: Found) -> list[Option]:
    """The command that is set, those that the files suggest, another one, none."""
    now = str(choices.value("verify.test_cmd"))
    options = [_keep(now or "none", str(choices.origin("verify.test_cmd")) if now else "changes are not tested")]
    where = (
        "Written for this repository alone. Naming it here is your consent: it then runs without asking, in a sandbox "
        "where there is one."
    )
    for command in found.commands:
        if command != now:
            options.append(Option(f"run:{command}", command, "goes with the files here", (where,), {}))
    options.append(Option("ask:check", "another command", "", (where,)))
    return options


def trust_view(choices: Choices) -> TrustView:
    """What there is to trust. Raises ConfigError."""
    return describe(choices.loaded.repository, store=choices.loaded.sources.trust_store)
