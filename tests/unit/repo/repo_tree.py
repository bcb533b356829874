"""Real trees and real git for the tests of this room."""

import os
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from hybridcode.repo.memory import Remembered


def git(folder: Path, *arguments: str, date: int | None = None) -> str:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        **({f"GIT_{who}_DATE": f"{date} +0000" for who in ("AUTHOR", "COMMITTER")} if date is not None else {}),
    }
    settings = ("-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false")
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    return done.stdout.decode().strip()


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def commit(root: Path, message: str, files: Mapping[str, str] | None = None, *, date: int | None = None) -> str:
    """Write `files`, commit everything and return the id."""
    for path, text in (files or {}).items():
        write(root, path, text)
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message, date=date)
    return git(root, "rev-parse", "HEAD")


def new_repo(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    return root


class Notes:
    """A stat memory that lives as long as the test."""

    def __init__(self) -> None:
        self.known: dict[str, Remembered] = {}
        self.calls = 0

    def recall(self) -> Mapping[str, Remembered]:
        return dict(self.known)

    def remember(self, seen: Mapping[str, Remembered], forgotten: Collection[str]) -> None:
        assert not seen.keys() & set(forgotten)
        self.calls += 1
        for path in forgotten:
            del self.known[path]
        self.known.update(seen)
