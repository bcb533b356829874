"""A repository of about 400 files in every supported language, with everything in it that is awkward, and a past.

Invariant: the same seed gives the same bytes, links and commit ids on every machine and Python.

    python tests/support/polyglot.py FOLDER [--backwards]
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.support.polyglot_texts import CODE, PROSE, TESTS

NOUNS = (
    "ledger", "invoice", "basket", "voucher", "parcel", "courier", "pallet", "refund", "rebate", "customer",
    "catalog", "shelf",
)  # fmt: skip
VERBS = ("settle", "reserve", "collect", "balance", "dispatch", "restore", "inspect")
COMMITS = 30
_FIRST_DATE = 1_700_000_000
_HOUR = 3_600
_NO_COMMIT = "1234567890123456789012345678901234567890"
"""What the submodule points at; nobody has it."""


@dataclass(frozen=True)
class Commit:
    """What one commit says and changes; None deletes."""

    message: str
    changes: Mapping[str, bytes | None]


def tracked_files(seed: int = 1) -> dict[str, bytes]:
    """Path -> content of everything that is committed, sorted by path."""
    files = {
        path: text for family in (CODE, TESTS, PROSE) for path, text in _modules(family, seed) if path not in _AWKWARD
    }
    files |= _AWKWARD
    files |= {copy: files[original] for copy, original in _COPIES.items()}
    return {path: files[path] for path in sorted(files)}


def untracked_files() -> dict[str, bytes]:
    """Path -> content of what is not committed; some of it is ignored."""
    return {
        "shop/draft.py": b"def settle_draft(rows):\n    return settle_ledger(rows, 1)\n",
        "node_modules/pack/index.js": b"export const ledger = 1\n",
        "build/out.js": b"var ledger;\n",
        "private/plan.py": b"LEDGER_SECRET = 1\n",
        "notes/gr\udcf6sse.txt": b"a name that is not UTF-8\n",
        ".env": b"LEDGER_TOKEN=1\n",
    }


def past(seed: int = 1) -> tuple[Commit, ...]:
    """The commits, oldest first. The last one leaves `tracked_files`."""
    files = tracked_files(seed)
    paths = list(files)
    commits: list[Commit] = []
    older: set[str] = set()
    for number in range(COMMITS - 1):
        added = paths[number :: COMMITS - 1]
        changes: dict[str, bytes | None] = {path: files[path] for path in added}
        verb, noun = VERBS[number % len(VERBS)], NOUNS[number % len(NOUNS)]
        for path in added[::3]:
            if path.endswith((".py", ".go", ".md")) and b"\n" in files[path]:
                changes[path] = files[path].partition(b"\n")[2]
                older.add(path)
        if number >= 5:
            again = sorted(older)[number % max(1, len(older)) :: 7]
            changes |= {path: files[path] for path in again}
            older -= set(again)
        if number == 8:
            changes["shop/gone.py"] = b"def gone(ledger):\n    return ledger\n"
        if number == 15:
            changes |= {"shop/gone.py": None, "shop/moved.py": b"def gone(ledger):\n    return ledger\n"}
        if number == 20:
            changes["shop/moved.py"] = None
        commits.append(Commit(f"{verb} the {noun}\n\nThe {noun} can {verb} more than {number} rows.", changes))
    commits.append(Commit("finish the shop", {path: files[path] for path in sorted(older)}))
    return tuple(commits)


def write(root: Path, *, seed: int = 1, backwards: bool = False) -> Path:
    """Make the repository at `root`; the files are created in order of path or against it."""
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "fast-import", "--quiet", stdin=b"".join(_stream(past(seed))))
    files = tracked_files(seed) | untracked_files()
    for path in sorted(files, reverse=backwards):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(files[path])
        file.chmod(0o755 if path.endswith(".sh") else 0o644)
    (root / "links").mkdir(exist_ok=True)
    (root / "links/inside.py").symlink_to("../shop/ledger.py")
    (root / "links/outside.py").symlink_to("/etc/hostname")
    (root / "links/folder").symlink_to("../shop")
    (root / "modules/other").mkdir(parents=True, exist_ok=True)
    git(root, "reset", "-q")
    return root


def git(root: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git with nothing of the machine's own configuration; identities and dates are fixed."""
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", "test"), ("EMAIL", "test@localhost"), ("DATE", f"{_FIRST_DATE} +0000"))
    }
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
        **who,
    }
    done = subprocess.run(["git", *arguments], cwd=root, env=env, input=stdin, check=True, capture_output=True)
    return done.stdout.decode()


def _modules(family: Mapping[str, tuple[str, str]], seed: int) -> Iterator[tuple[str, bytes]]:
    for language, (path, text) in family.items():
        kind = "dockerfile" if family is PROSE else language
        for noun in NOUNS:
            words = _words(noun, f"{seed}:{kind}")
            yield _filled(path, words), _filled(text, words).encode()


def _words(noun: str, salt: str) -> dict[str, str]:
    """What a file is about; tests get the same words as the file they test."""
    used = _pick(f"{salt}:{noun}:uses", [other for other in NOUNS if other != noun])
    verb, done = _pick(f"{salt}:{noun}:does", VERBS), _pick(f"{salt}:{used}:does", VERBS)
    return {
        "noun": noun, "Noun": noun.capitalize(), "NOUN": noun.upper(), "used": used, "Used": used.capitalize(),
        "verb": verb, "Verb": verb.capitalize(), "done": done, "Done": done.capitalize(),
        "count": str(int(hashlib.sha256(f"{salt}:{noun}".encode()).hexdigest()[:4], 16)),
    }  # fmt: skip


def _pick(label: str, choices: Sequence[str]) -> str:
    return choices[int(hashlib.sha256(label.encode()).hexdigest()[:8], 16) % len(choices)]


def _filled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


def _stream(commits: Sequence[Commit]) -> Iterator[bytes]:
    """The commits as `git fast-import` reads them."""
    for number, commit in enumerate(commits):
        message = commit.message.encode()
        date = f"test <test@localhost> {_FIRST_DATE + number * _HOUR} +0000"
        yield f"commit refs/heads/main\nmark :{number + 1}\nauthor {date}\ncommitter {date}\n".encode()
        yield b"data %d\n%s\n" % (len(message), message)
        if number:
            yield f"from :{number}\n".encode()
        for path, data in commit.changes.items():
            if data is None:
                yield f"D {path}\n".encode()
            else:
                mode = "100755" if path.endswith(".sh") else "100644"
                yield f"M {mode} inline {path}\n".encode() + b"data %d\n%s\n" % (len(data), data)
        if number == 0:
            yield f"M 160000 {_NO_COMMIT} modules/other\n".encode()
        yield b"\n"


_LONG = "def inspect_everything(ledger):\n" + "".join(
    f"    row{number} = ledger[{number}]  # settle row {number}\n" for number in range(200)
)
_AWKWARD: dict[str, bytes] = {
    "AGENTS.md": b"# Rules\n\nMoney is whole cents.\nA ledger is never rounded.\n",
    "shop/AGENTS.md": b"Python here has no floats.\n",
    ".gitignore": b"node_modules/\n/build/\n",
    ".hybridcodeignore": b"private/\n",
    "shop/__init__.py": b"",
    "docs/empty.md": b"",
    "notes/blank.txt": b"\n\n  \n",
    "windows/report.py": b"import os\r\n\r\n\r\nclass Report:\r\n    def settle(self):\r\n        return 'ledger'\r\n",
    "windows/mixed.py": b"def one(ledger):\n    return 1\r\n\r\ndef two(ledger):\n    return one(ledger)\n",
    "legacy/latin.py": "def pr\xfcfe_ledger(rows):\n    return 'gr\xf6\xdfe'\n".encode("latin-1"),
    "legacy/wide.txt": "The ledger of the shop.\n".encode("utf-16"),
    "broken/half.ts": b"export function settleHalf(ledger: {\n  if (((\n class\n }}} => ledger ]]\n" * 6,
    "broken/odd.py": b"def settle_odd(ledger:\n    return [\n",
    "gen/schema_pb2.py": b"LEDGER = 1\n",
    "gen/says_so.py": b"# Code generated by shopgen. DO NOT EDIT.\nLEDGER = 1\n",
    "gen/bundle.min.js": b"var ledger=1;\n",
    "gen/flat.js": b"var ledger=[" + b"1," * 3_000 + b"1];\n",
    "third_party/lib.js": b"export const ledger = 1\n",
    "poetry.lock": b"ledger = 1\n",
    "assets/logo.png": b"\x89PNG\r\n\x1a\n\0\0\0ledger",
    "assets/tail.dat2": b"ledger\n" * 2_000 + b"\0\0",
    "data/huge.py": b"LEDGER_ROW = 1\n" * 80_000,
    "data/ledger.csv": b"ledger,settle\n",
    "long/everything.py": _LONG.encode(),
    "long/nested.py": b"".join(b"    " * depth + b"class Ledger%d:\n" % depth for depth in range(30))
    + b"    " * 30 + b"settle = 1\n",
    "ticks/fences.md": b"# Fences of a ledger\n\n````\n```python\nsettle(ledger)\n```\n````\n\n`````` settle\n",
    "ticks/no_newline.py": b"def settle_last(ledger):\n    return ledger",
    "hidden/marks.py": "def settle_hidden(ledger):\n    return '\u202eledger\u202c\u200b'\n".encode(),
    "odd names/with blank.py": b"def settle_blank(ledger):\n    return ledger\n",
    "odd names/gr\xf6\xdfe.py": b"def settle_size(ledger):\n    return ledger\n",
    "prose/says_so.txt": b"# This file was generated by hand: the ledger of the shop.\n",
}  # fmt: skip
_COPIES = {
    "copies/ledger.py": "shop/ledger.py",
    "zz/ledger.py": "shop/ledger.py",
    "copies/ledger.txt": "shop/ledger.py",
    "copies/empty.py": "shop/__init__.py",
    "copies/notes.md": "docs/ledger.md",
    "copies/says_so.cfg": "prose/says_so.txt",
    "a/says_so": "prose/says_so.txt",
}
"""The same bytes under other paths, some of them in another language."""


if __name__ == "__main__":
    write(Path(sys.argv[1]), backwards="--backwards" in sys.argv)
