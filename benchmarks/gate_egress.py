"""What leaves the machine: planted secrets through whole sessions, wrong redactions over ordinary code, and speed.

Invariant: each session runs through a real frontier child and a server on loopback that keeps every byte it is sent.

`python -m benchmarks.gate_egress [--secrets N] [--megabytes M] [--control]`
"""

import argparse
import base64
import json
import re
import sysconfig
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

from benchmarks.planted_secrets import KINDS, Planted, plant, value_of_a_variable
from hybridcode.domain.action import ChangeSet, Proposal
from hybridcode.domain.events import ProposalMade
from hybridcode.domain.secrets import PLAIN
from hybridcode.journal.store import Journal
from tests.support.chat_server import ChatServer, Exchange, say, serving
from tests.support.processes import Program
from tests.support.repos import git_repository

SEED = 20_260
BATCH = 125
"""Secrets of one session."""
SHOWN = 4
"""Requests of a session that are printed with `egress --show`; all of them are looked at as blobs and as sent."""
WINDOW_BYTES = 32_000 * 4
PLACES = ("file", "name", "output", "trace", "diff", "url", "variable")
_TEXTS = re.compile(r"\.(?:py|js|ts|json|md|txt|c|h|toml|ya?ml|cfg|css|html|sh)")


@dataclass
class Scene:
    """One workspace with its secrets, and what a planner would do in it."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    needles: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Place, kind and a text that must not be found."""
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def scene_of(random: Random, kinds: list[str]) -> Scene:
    """A workspace with one secret of each kind, each in a place that can hold it."""
    scene = Scene()
    for number, kind in enumerate(kinds):
        secret = plant(kind, random)
        places = [place for place in PLACES if _can_hold(place, secret)]
        _put(scene, places[random.randrange(len(places))], number, secret, random)
    return scene


def _can_hold(place: str, secret: Planted) -> bool:
    match place:
        case "name":
            return secret.fits_a_file_name
        case "trace" | "variable":
            return secret.is_one_line
        case "url":
            return secret.fits_a_file_name
        case _:
            return True


def _put(scene: Scene, place: str, number: int, secret: Planted, random: Random) -> None:
    text, needles = secret.text, secret.needles
    match place:
        case "file":
            scene.files[f"src/part_{number}.txt"] = f"part {number} begins\n{text}\npart {number} ends\n"
        case "name":
            scene.files[f"data/backup_{text}.txt"] = f"backup {number}\n"
        case "output":
            _step(scene, number, f"print({text!r})\nraise SystemExit(1)\n")
        case "trace":
            _step(scene, number, f"def connect(address):\n    raise ValueError(address)\n\n\nconnect({text!r})\n")
        case "diff":
            _step(scene, number, "print('ok')\n", beside=text)
        case "url":
            scene.files[f"src/link_{number}.md"] = f"see https://api.example.com/v1/{text}/items?page={number}\n"
        case _:
            value = value_of_a_variable(random)
            scene.files[".env"] = scene.files.get(".env", "") + f"SETTING_{number}_TOKEN='{value}'\n"
            forms = (value, base64.b64encode(value.encode()).decode(), quote(value, safe=""), json.dumps(value)[1:-1])
            needles = tuple(dict.fromkeys(forms))
            scene.files[f"src/quoted_{number}.txt"] = "".join(f"line {form} end\n" for form in needles)
    scene.needles += [(place, secret.kind, needle) for needle in needles]


def _step(scene: Scene, number: int, check: str, *, beside: str = "") -> None:
    notes = "".join(f"# {line}\n" for line in beside.splitlines())
    scene.files[f"check_{number}.py"] = check
    scene.files[f"mod_{number}.py"] = f"{notes}VALUE_{number} = 1\n{notes}"
    scene.steps.append(
        {
            "id": f"s{number}",
            "goal": f"Set VALUE_{number} to 2.",
            "touches": [f"mod_{number}.py#VALUE_{number}"],
            "check": f"python3 check_{number}.py",
        }
    )


def answering(scene: Scene) -> Any:
    """What the server says: the planner asks for every file first, and then plans the steps."""
    wanted = [path for path in scene.files if path.startswith("src/")]
    replies = [json.dumps({"read": wanted}), json.dumps({"steps": scene.steps})]

    def answer(exchange: Exchange) -> None:
        system = exchange.body["messages"][0]["content"]
        user = exchange.body["messages"][-1]["content"]
        if system.startswith("You plan"):
            say(replies.pop(0) if len(replies) > 1 else replies[0])(exchange)
        elif system.startswith("You judge"):
            say("good Fine.")(exchange)
        else:
            number = user.rpartition("Set VALUE_")[2].split(" ")[0]
            say(f"```python\nVALUE_{number} = 2\n```")(exchange)

    return answer


CONFIG = """
[models.frontier]
model = "openai/loop"
api_base = "{url}"
api_key_env = "LOOP_KEY"
max_retries = 0
max_input_tokens = 10000000
[models.local]
base_url = "{url}"
name = "local-loop"
n_ctx = 4000000
[context]
plan_tokens = 300000
step_tokens = 3000
[routing]
local_tries = 1
frontier_hints = 1
frontier_tries = 1
[limits]
max_steps = 500
[egress]
redact = {redact}
"""


def run_scene(scene: Scene, server: ChatServer, folder: Path, *, redact: bool) -> dict[str, bytes]:
    """Run a session and return everything that could give a secret away, by what it is."""
    server.asked.clear()
    server.answer = answering(scene)
    home = folder / "home"
    config = home / "config" / "hybridcode" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG.format(url=server.base_url, redact=str(redact).lower()))
    program = Program(home, {"LOOP_KEY": "key-for-tests"})
    repo = git_repository(folder / "shop", scene.files)
    checks = [f"--allow=Bash({step['check']})" for step in scene.steps]
    program.run("run", "raise all values", "--yes", *checks, cwd=repo, timeout=600)
    listed = program.run("egress", "--json", cwd=repo)
    calls = {request["call_id"] for request in json.loads(listed.out)["requests"]}
    shown = "".join(program.run("egress", "--show", call, "--raw", cwd=repo).out for call in sorted(calls)[:SHOWN])
    audit = program.run("audit", "show", "--json", cwd=repo)
    return {
        "requests": json.dumps(server.asked, ensure_ascii=False).encode(),
        "journal": _blobs(home),
        "egress": (listed.out + shown).encode(),
        "audit": audit.out.encode(),
    }


def _blobs(home: Path) -> bytes:
    """All blobs of the journal but the bytes of files themselves, which undo needs."""
    parts: list[bytes] = []
    for path in home.rglob("journal.db"):
        with Journal.open(path) as journal:
            own = set[str]()
            for session in journal.sessions():
                for envelope in journal.envelopes(session.id):
                    match envelope.event:
                        case ProposalMade(proposal=Proposal(action=ChangeSet(edits=edits))):
                            own |= {name for edit in edits for name in (edit.before_sha256, edit.after_sha256) if name}
                        case _:
                            pass
            names = {row[0] for row in journal.rows("SELECT sha256 FROM blob")}
            parts += [journal.load_blob(name) for name in sorted(names - own)]
    return b"\n".join(parts)


def found_in(scene: Scene, data: bytes) -> Counter[str]:
    """Secrets of a scene that can be read in some bytes, by place."""
    text = data.decode("utf-8", "replace")
    hits = {(place, kind) for place, kind, needle in scene.needles if any(form in text for form in _quoted(needle))}
    return Counter(place for place, _ in hits)


def _quoted(needle: str) -> tuple[str, ...]:
    """A text as it is, in JSON, and in JSON in JSON."""
    once = json.dumps(needle)[1:-1]
    return needle, once, json.dumps(once)[1:-1]


def sessions(count: int, *, is_controlled: bool) -> None:
    """Plant secrets, run the sessions, and print what was found where; the first can also run without redaction."""
    random, leaks, planted, would = Random(SEED), Counter[str](), 0, Counter[str]()
    kinds = [KINDS[number % len(KINDS)] for number in range(count)]
    with serving() as server:
        for start in range(0, count, BATCH):
            scene = scene_of(random, kinds[start : start + BATCH])
            planted += len(kinds[start : start + BATCH])
            with tempfile.TemporaryDirectory() as folder:
                if is_controlled and start == 0:
                    control = run_scene(scene, server, Path(folder) / "control", redact=False)
                    would += found_in(scene, control["requests"])
                outcome = run_scene(scene, server, Path(folder) / "run", redact=True)
            for where, data in outcome.items():
                for place, hits in found_in(scene, data).items():
                    leaks[f"{where}: {place}"] += hits
            print(f"  {planted} planted, found: {dict(leaks) or 'none'}", flush=True)
    print(f"planted {planted} of {len(KINDS)} kinds; found {sum(leaks.values())}: {dict(leaks)}")
    if is_controlled:
        print(f"control, {min(count, BATCH)} of them without redaction: sent {sum(would.values())}: {dict(would)}")


def false_alarms(megabytes: float) -> None:
    """Redactions over the sources of installed packages, where next to nothing is a secret."""
    roots = [Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))]
    files = sorted(
        {path for root in roots for path in root.rglob("*") if _TEXTS.fullmatch(path.suffix) and path.is_file()}
    )
    Random(SEED).shuffle(files)
    kinds, size, seconds = Counter[str](), 0, 0.0
    for path in files:
        if size > megabytes * 1e6:
            break
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        began = time.process_time()
        kinds.update(span.kind for span in PLAIN.find(text))
        seconds += time.process_time() - began
        size += len(text)
    total = sum(kinds.values())
    print(f"installed packages: {size / 1e6:.1f} MB, {total} redactions, {total / size * 1e5:.3f} per 100 kB")
    print(f"  {dict(kinds.most_common())}")
    print(f"speed: {size / 1e6 / seconds:.1f} MB/s")


def window_speed() -> None:
    """Milliseconds of CPU for a window of 32,000 tokens of ordinary code."""
    root = Path(sysconfig.get_path("stdlib"))
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(root.glob("*.py"))[:60])[:WINDOW_BYTES]
    times: list[float] = []
    for _ in range(9):
        began = time.process_time()
        PLAIN.find(text)
        times.append(time.process_time() - began)
    best, median = min(times) * 1e3, sorted(times)[4] * 1e3
    print(f"a window of {len(text):,} characters: {best:.1f} ms at best, {median:.1f} ms median")


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secrets", type=int, default=1_000)
    parser.add_argument("--megabytes", type=float, default=100.0)
    parser.add_argument("--control", action="store_true", help="also run the first session without redaction")
    chosen = parser.parse_args()
    window_speed()
    false_alarms(chosen.megabytes)
    if chosen.secrets:
        sessions(chosen.secrets, is_controlled=chosen.control)


if __name__ == "__main__":
    main()
