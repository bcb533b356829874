"""Actions, proposals, decisions and receipts: everything that can change the world, as values.

Invariant: a Proposal's digest is the digest of its action; whoever approves, approves that digest and nothing else.
"""

import stat
from typing import Literal

import msgspec

from hybridcode.domain.canonical import digest_of

Verdict = Literal["allow", "ask", "deny"]


class FileChange(msgspec.Struct, frozen=True):
    """A change of one file with its bytes in memory. `before` None = create, `after` None = delete."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644
    """Permission bits of the result."""


class FileEdit(msgspec.Struct, frozen=True, tag="file"):
    """A change of one file by digest; the bytes are blobs of the journal. None before = create, None after = delete."""

    path: str
    """Relative to the workspace, with forward slashes."""
    before_sha256: str | None
    after_sha256: str | None
    mode: int = 0o644
    """Permission bits of the result (of a deleted file: its former ones); with those of a link, its target's bytes are
    the content."""
    before_mode: int | msgspec.UnsetType = msgspec.UNSET
    """Type and permission bits before; left out where they are those of `mode`."""

    @property
    def is_link(self) -> bool:
        """It makes, changes, removes or replaces a symbolic link."""
        return stat.S_ISLNK(self.mode) or stat.S_ISLNK(self.before_mode or 0)

    @property
    def former_mode(self) -> int:
        """Type and permission bits before."""
        return self.mode if self.before_mode is msgspec.UNSET else self.before_mode


class FileState(msgspec.Struct, frozen=True):
    """What a path holds: the digest of a file's bytes, or of a link's target."""

    sha256: str
    mode: int
    """Type and permission bits, as 0o100644 or 0o120777."""


class TreeChange(msgspec.Struct, frozen=True):
    """What a command did to one path. None before = it made the file, None after = it removed it."""

    path: str
    before: FileState | None
    after: FileState | None


class ChangeSet(msgspec.Struct, frozen=True, tag="changes"):
    """Edits that are applied all together or not at all, sorted by path."""

    edits: tuple[FileEdit, ...]


class ShellCommand(msgspec.Struct, frozen=True, tag="command"):
    """A command to run. Exactly one of `argv` (run without a shell) and `script` (run by bash) is set."""

    argv: tuple[str, ...] = ()
    script: str = ""
    cwd: str = "."
    """Relative to the workspace."""
    env_names: tuple[str, ...] = ()
    """Names of the variables that the process will see, sorted."""
    timeout_s: float = 120.0
    network: bool = False
    purpose: str = ""
    """`step` or `check`: what the loop wants it for."""
    tree: str | msgspec.UnsetType = msgspec.UNSET
    """Digest of the tree in a scratch copy that it runs on. Unset for what runs in the workspace, whose digest it is
    then no part of."""

    @property
    def text(self) -> str:
        """The command as a person would type it."""
        if self.script:
            return self.script
        import shlex

        return shlex.join(self.argv)


class ToolCall(msgspec.Struct, frozen=True, tag="tool"):
    """A call of an outside tool (MCP): an action like the others."""

    server: str
    tool: str
    arguments: msgspec.Raw


class CommitFile(msgspec.Struct, frozen=True):
    """What a commit says of one path. `sha256` None = the commit removes it."""

    path: str
    """Relative to the workspace, with forward slashes."""
    sha256: str | None
    """Blob of the journal: the bytes as a file has them, before git turns line ends."""
    mode: int = 0o100644
    """As git names it: 0o100644, 0o100755 or 0o120000."""


class GitCommit(msgspec.Struct, frozen=True, tag="commit"):
    """A commit of exactly these files on top of `parent`. It touches no file, runs no hook and signs nothing."""

    message: str
    files: tuple[CommitFile, ...]
    """Sorted by path."""
    parent: str
    """Id of the commit that HEAD must be; empty: the first commit."""
    branch: str
    """Short name of the branch that gets it."""
    makes_branch: bool = False
    """The branch comes to be and HEAD moves to it; else it must be the one that is checked out."""
    author: str = ""
    """`Name <address>`, as git knows it."""

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


Action = ChangeSet | ShellCommand | ToolCall | GitCommit


class Ruling(msgspec.Struct, frozen=True):
    """What policy says of one action, before any approver is asked."""

    verdict: Verdict
    reason: str
    rule: str
    """The rule's name, as `files.protected` or `user:npm-test`."""
    source: str = "built-in"
    """The file the rule stands in, or `built-in`."""
    person_only: bool = False
    """Only a person may say yes, each time: no mode, session rule or --yes."""
    flags: tuple[str, ...] = ()
    """What the pane must point at: `destructive`, `network`, `hidden-characters`, `outside`, ..."""


class Proposal(msgspec.Struct, frozen=True):
    """An action that waits for a decision."""

    id: str
    step: str
    action: Action
    digest: str
    ruling: Ruling
    title: str = ""
    """One line for lists: `shop/cart.py +3 -1` or the command."""
    model_says: str = ""
    """What the model said about it: shown apart, labelled, never trusted."""
    writer: str = ""
    """Which model wrote it and on which try, as `local qwen-27b, try 1`."""
    notes: tuple[str, ...] = ()
    """Warnings of the patch room (new syntax errors, elision marks, ...)."""
    proven_by: str = ""
    """The check command that passed on these bytes in a scratch copy, if any."""


def action_digest(action: Action) -> str:
    """The digest an approval is bound to."""
    return digest_of(action)


class Approve(msgspec.Struct, frozen=True, tag="approve"):
    """Yes to exactly the bytes behind `digest`."""

    digest: str
    by: str


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """No; the reason is shown to the next draft."""

    reason: str
    by: str


class Amend(msgspec.Struct, frozen=True, tag="amend"):
    """Yes to another action instead (chosen hunks, an edited file, an edited command). It is judged by policy again."""

    action: Action
    by: str
    reason: str = ""
    """Why the rest of it is not taken: shown to the next draft. Empty: nothing more is wanted."""


class Unanswered(msgspec.Struct, frozen=True, tag="unanswered"):
    """Nobody here can answer; the proposal stays pending."""

    reason: str


Decision = Approve | Reject | Amend | Unanswered


class Applied(msgspec.Struct, frozen=True, tag="applied"):
    """Every file of the change set now holds the approved bytes."""

    edits: tuple[FileEdit, ...]
    already: bool = False
    """True when the files held them before we wrote (recovery after a crash)."""
    reason: str = ""
    """What a person said to the rest of the change, which they left out; empty: nothing more is wanted."""


class Ran(msgspec.Struct, frozen=True, tag="ran"):
    """A command ended by itself."""

    exit_code: int
    output_sha256: str
    """Blob of the merged, bounded output."""
    tail: str
    """The last 4,000 characters of the output."""
    seconds: float
    sandbox: str = "none"
    """`bwrap`, `landlock`, `seatbelt` or `none`."""
    unenforced: tuple[str, ...] = ()
    """What that kind of sandbox could not keep it from."""
    timed_out: bool = False
    command: str = ""
    """What ran, as a person would type it: a person may have amended what was proposed."""


class Stale(msgspec.Struct, frozen=True, tag="stale"):
    """Files are not what the change was made for; nothing was written."""

    paths: tuple[str, ...]


class Expired(msgspec.Struct, frozen=True, tag="expired"):
    """It waited longer than `approval.expires_s`; nothing was done."""

    reason: str


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """A person or an approver said no; nothing was done."""

    reason: str
    by: str


class Denied(msgspec.Struct, frozen=True, tag="denied"):
    """Policy said no; nothing was done."""

    reason: str
    rule: str
    hint: str = ""


class Held(msgspec.Struct, frozen=True, tag="held"):
    """The proposal waits for somebody who is not here; it is durable."""

    proposal: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It was tried and did not work; `reason` names the file and the cause; every file is old or new, never half."""

    reason: str


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """It was started before a crash and nobody knows how it ended; it is never run again by itself."""

    reason: str


class Committed(msgspec.Struct, frozen=True, tag="committed"):
    """A branch has one more commit, and git's index knows its files."""

    commit: str
    branch: str
    subject: str
    files: tuple[str, ...]
    note: str = ""
    """What could not be done besides."""


Receipt = Applied | Ran | Committed | Stale | Expired | Declined | Denied | Held | Failed | Unknown
