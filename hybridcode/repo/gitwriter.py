"""Git as a commit needs it: what stands in the way, objects, one ref, and the index entries of committed files.

Invariant: no hook, filter, signing program or network; no file of the work tree is written, and of the index only the
entries that are named. Only `gate/commits.py` calls what writes.
"""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from hybridcode.domain.errors import RepoError
from hybridcode.repo.git import Answer, run_git
from hybridcode.repo.gitreader import GitReader

LINK, FILE, PROGRAM = 0o120000, 0o100644, 0o100755
_IN_PROGRESS = {
    "MERGE_HEAD": ("merge", "git merge --abort"),
    "rebase-merge": ("rebase", "git rebase --abort"),
    "rebase-apply": ("rebase", "git rebase --abort"),
    "CHERRY_PICK_HEAD": ("cherry-pick", "git cherry-pick --abort"),
    "REVERT_HEAD": ("revert", "git revert --abort"),
}
_HOOKS = ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction")
_SETTINGS = (("user.useConfigOnly", "true"), ("i18n.commitEncoding", "utf-8"), ("index.sparse", "false"))
_KEPT = ("GIT_CONFIG_NOSYSTEM", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
_LOCK_TRIES, _LOCK_PAUSE_S = 10, 0.1


@dataclass(frozen=True)
class TreeEntry:
    """What a tree or the index holds at one path."""

    mode: int
    oid: str
    stage: int = 0
    """Above 0: one side of a conflict."""


@dataclass(frozen=True)
class Head:
    """What is checked out."""

    commit: str
    """Empty before the first commit."""
    branch: str
    """Short name; empty when HEAD is detached."""


class GitWriter:
    """One work tree, as a commit sees it. Paths are relative to its top."""

    def __init__(self, reader: GitReader) -> None:
        self._program, self.top, self._git_dir = reader.program, reader.worktree, reader.git_dir
        self.prefix = reader.prefix
        settings = (*reader.settings, *_SETTINGS)
        variables = GitReader(self.top, self.top, self._git_dir, self._program, settings).variables()
        del variables["GIT_CONFIG_NOSYSTEM"]
        kept = {name: os.environ[name] for name in _KEPT if os.environ.get(name)}
        self._variables = variables | {"GIT_LITERAL_PATHSPECS": "1"} | kept

    @classmethod
    def find(cls, root: Path) -> "GitWriter | None":
        """The repository that `root` belongs to; None outside git."""
        reader = GitReader.find(root.resolve())
        return cls(reader) if reader is not None else None

    def _ask(self, *arguments: str, stdin: bytes = b"", more: Mapping[str, str] = MappingProxyType({})) -> Answer:
        return run_git(self._program, arguments, folder=self.top, variables={**self._variables, **more}, stdin=stdin)

    def _must(self, *arguments: str, stdin: bytes = b"", more: Mapping[str, str] = MappingProxyType({})) -> bytes:
        answer = self._ask(*arguments, stdin=stdin, more=more)
        if answer.status != 0:
            said = answer.complaint.splitlines()
            raise RepoError(f"git {arguments[0]} failed: {said[-1] if said else f'exit code {answer.status}'}", "")
        return answer.output

    def _text(self, *arguments: str) -> str:
        return self._ask(*arguments).output.decode("utf-8", "replace").strip()

    # What is

    def head(self) -> Head:
        """What is checked out now."""
        ref = self._text("symbolic-ref", "--quiet", "HEAD")
        commit = self._text("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return Head(commit, ref.removeprefix("refs/heads/"))

    def in_progress(self) -> tuple[str, str]:
        """A merge or the like that is half done, and the command that ends it; empty if there is none."""
        return next((words for name, words in _IN_PROGRESS.items() if (self._git_dir / name).exists()), ("", ""))

    def identity(self) -> str:
        """`Name <address>` of the author; empty if git was told none."""
        answer = self._ask("var", "GIT_AUTHOR_IDENT")
        committer = self._ask("var", "GIT_COMMITTER_IDENT")
        if answer.status or committer.status:
            return ""
        return answer.output.decode("utf-8", "replace").rpartition(">")[0] + ">"

    def hooks(self) -> tuple[str, ...]:
        """Hooks that `git commit` would run here and a commit of ours does not."""
        named = self._text("config", "--get-all", "--type=path", "core.hooksPath").splitlines()[:-1]
        folder = self.top / named[-1] if named else self._common / "hooks"
        return tuple(name for name in _HOOKS if os.access(folder / name, os.X_OK) and (folder / name).is_file())

    def signs(self) -> bool:
        """`git commit` would sign here."""
        return self._text("config", "--type=bool", "--get", "commit.gpgSign") == "true"

    def has_branch(self, name: str) -> bool:
        """There is such a branch."""
        return self._ask("rev-parse", "--verify", "--quiet", f"refs/heads/{name}").status == 0

    def is_branch_name(self, name: str) -> bool:
        """Git takes this as the name of a branch."""
        return self._ask("check-ref-format", "--branch", name).status == 0 and not name.startswith("@")

    def subjects(self, commit: str, *, most: int = 5) -> tuple[str, ...]:
        """The first lines of the latest commits, newest first."""
        if not commit:
            return ()
        return tuple(self._text("log", f"-{most}", "--no-show-signature", "--format=%s", commit).splitlines())

    def entries_of(self, commit: str, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """What a commit holds at these paths; nothing for those that it does not have."""
        if not commit or not paths:
            return {}
        found: dict[str, TreeEntry] = {}
        for line in self._must("ls-tree", "-z", "--full-tree", commit, "--", *paths).split(b"\0"):
            if line:
                words, _, name = line.partition(b"\t")
                mode, kind, oid = words.decode().split(" ")
                if kind != "tree":
                    found[os.fsdecode(name)] = TreeEntry(int(mode, 8), oid)
        return found

    def staged(self, paths: Sequence[str]) -> dict[str, TreeEntry]:
        """What the index holds at these paths; of a conflict its highest stage."""
        found: dict[str, TreeEntry] = {}
        if not paths:
            return found
        for line in self._must("ls-files", "-s", "-z", "--", *paths).split(b"\0"):
            if line:
                words, _, name = line.partition(b"\t")
                mode, oid, stage = words.decode().split(" ")
                found[os.fsdecode(name)] = TreeEntry(int(mode, 8), oid, int(stage))
        return found

    def ignored(self, paths: Sequence[str]) -> set[str]:
        """Those of these paths that git ignores and does not know."""
        # This one command refuses literal pathspecs; behind `./` nothing in a name is magic.
        plain = {"GIT_LITERAL_PATHSPECS": "0"}
        answer = self._ask("check-ignore", "-z", "--stdin", stdin=_joined(f"./{path}" for path in paths), more=plain)
        if answer.status not in (0, 1):
            raise RepoError(f"git check-ignore failed: {answer.complaint}", "")
        return {os.fsdecode(name).removeprefix("./") for name in answer.output.split(b"\0") if name}

    def filtered(self, paths: Sequence[str]) -> dict[str, str]:
        """Those of these paths whose content a configured program would turn (as Git LFS does), with its name."""
        fields = self._must("check-attr", "-z", "--stdin", "filter", stdin=_joined(paths)).split(b"\0")
        named = dict(zip(map(os.fsdecode, fields[0::3]), map(os.fsdecode, fields[2::3]), strict=False))
        return {path: name for path, name in named.items() if name not in _NO_FILTER and self._has_filter(name)}

    def _has_filter(self, name: str) -> bool:
        return any(self._text("config", "--get", f"filter.{name}.{kind}") for kind in ("clean", "process"))

    def nested(self, path: str) -> str:
        """The folder of another repository (as of a submodule) that a path lies in; empty if there is none."""
        parts = path.split("/")
        folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return next((folder for folder in folders if (self.top / folder / ".git").exists()), "")

    def git_mode(self, mode: int, known: TreeEntry | None) -> int:
        """How git names a file's mode; where it does not look at permission bits, the one that it knows."""
        if mode & 0o170000 == LINK:
            return LINK
        if not self._looks_at_modes:
            return known.mode if known is not None and known.mode != LINK else FILE
        return PROGRAM if mode & 0o100 else FILE

    @cached_property
    def _looks_at_modes(self) -> bool:
        return self._text("config", "--type=bool", "--get", "core.fileMode") != "false"

    # What is made

    def blob(self, path: str, data: bytes, *, is_link: bool = False, writes: bool = False) -> str:
        """Id of these bytes as git keeps them at a path (line ends turned as configured); with `writes` it keeps them.

        Raises:
            RepoError: git does not take them.
        """
        how = ["--no-filters"] if is_link else [f"--path={path}"]
        return self._must("hash-object", *(["-w"] if writes else []), "--stdin", *how, stdin=data).decode().strip()

    def tree(self, parent: str, entries: Mapping[str, TreeEntry | None], *, folder: Path) -> str:
        """Id of the tree of a commit with these entries laid over (None: gone), by way of an index in `folder`."""
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        self._must("read-tree", *([parent] if parent else ["--empty"]), more=index)
        self._must("update-index", "--replace", "-z", "--index-info", stdin=self._index_info(entries), more=index)
        return self._must("write-tree", more=index).decode().strip()

    def tree_of(self, commit: str) -> str:
        """Id of a commit's tree."""
        return self._must("rev-parse", "--verify", f"{commit}^{{tree}}").decode().strip()

    def commit(self, tree: str, *, parent: str, message: str) -> str:
        """Id of a new commit that nothing points to yet."""
        parents = ["-p", parent] if parent else []
        return self._must("commit-tree", tree, *parents, "-F", "-", stdin=message.encode()).decode().strip()

    def told(self, commit: str) -> tuple[str, tuple[str, ...], str]:
        """Tree, parents and message of a commit."""
        head, _, message = self._must("cat-file", "commit", commit).decode("utf-8", "replace").partition("\n\n")
        lines = [line.split(" ") for line in head.split("\n")]
        tree = next(words[1] for words in lines if words[0] == "tree")
        return tree, tuple(words[1] for words in lines if words[0] == "parent"), message

    def move_branch(self, branch: str, commit: str, *, was: str, why: str) -> None:
        """Set a branch, by compare-and-swap; `was` empty: it does not exist yet.

        Raises:
            RepoError: it is not what it was.
        """
        self._must("update-ref", "-m", why, f"refs/heads/{branch}", commit, was or "0" * len(commit))

    def check_out_name(self, branch: str, *, was: str) -> None:
        """Let HEAD name another branch that has the same files but for what is committed."""
        why = f"checkout: moving from {was} to {branch}"
        self._must("symbolic-ref", "-m", why, "HEAD", f"refs/heads/{branch}")

    def set_staged(self, entries: Mapping[str, TreeEntry | None]) -> str:
        """Give the index these entries (None: none). Returns why not; empty if it was done."""
        answer = Answer(0, b"", "")
        for _ in range(_LOCK_TRIES):
            answer = self._ask("update-index", "--replace", "-z", "--index-info", stdin=self._index_info(entries))
            if answer.status == 0:
                self._ask("update-index", "-q", "--refresh")
                return ""
            if "index.lock" not in answer.complaint:
                break
            time.sleep(_LOCK_PAUSE_S)
        return answer.complaint.splitlines()[0] if answer.complaint else f"exit code {answer.status}"

    @property
    def has_index_lock(self) -> bool:
        """Another git works on the index."""
        return (self._git_dir / "index.lock").exists()

    def _index_info(self, entries: Mapping[str, TreeEntry | None]) -> bytes:
        """What is gone first: a file may stand where a folder is to be."""
        none = "0" * 40
        lines = [f"0 {none}\t{path}" for path, entry in sorted(entries.items()) if entry is None]
        lines += [f"{entry.mode:o} {entry.oid}\t{path}" for path, entry in sorted(entries.items()) if entry is not None]
        return _joined(lines)

    @property
    def _common(self) -> Path:
        return Path(self._variables["GIT_COMMON_DIR"])


_NO_FILTER = frozenset({"", "unspecified", "unset", "set"})


def _joined(texts: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(text) + b"\0" for text in texts)
