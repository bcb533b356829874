"""What a pane must point at in a change of one file, beyond what its lines show.

Invariant: pure; the same flags in every pane; work is bounded, and what was not looked at is said.
"""

from hybridcode.domain.action import FileChange, FileEdit
from hybridcode.gate.flags import diff_flags
from hybridcode.patch.hunks import unified

LOOKED_AT = 64 * 1024
"""Characters of a diff that are looked at: 40 ms or so."""


def change_flags(change: FileChange) -> tuple[str, ...]:
    """The flags of `diff_flags` for one file; of a long diff those of its beginning, and how much is left."""
    return flags_of_diff(unified(change.path, change.before, change.after))


def flags_of_diff(diff: str) -> tuple[str, ...]:
    """The flags of a unified diff of one file, bounded alike."""
    if len(diff) <= LOOKED_AT:
        return diff_flags(diff)
    end = diff.rfind("\n", 0, LOOKED_AT) + 1 or LOOKED_AT
    return *diff_flags(diff[:end]), f"long-diff: flags of the first {end:,} of {len(diff):,} characters"


def mode_note(edit: FileEdit) -> str:
    """That permission bits change together with the bytes; empty if they do not."""
    if edit.before_sha256 is None or edit.after_sha256 is None or edit.former_mode == edit.mode:
        return ""
    return f"{edit.path}: mode {edit.former_mode & 0o7777:04o} becomes {edit.mode & 0o7777:04o}"
