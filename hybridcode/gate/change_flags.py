"""What a pane must point at in a change of one file, beyond what its lines show.

Invariant: pure; the same flags in every pane; work is bounded, and what was not looked at is said.
"""

from hybridcode.domain.action import FileChange, FileEdit
from hybridcode.gate.flags import diff_flags
from hybridcode.patch.hunks import Places, unified_lines

LOOKED_AT = 64 * 1024
"""Characters of a diff that are looked at: 20 ms or so."""


def change_flags(change: FileChange, *, compared: Places | None = None) -> tuple[str, ...]:
    """The flags of `diff_flags` for one file; of a long diff those of its beginning, and that there is more.

    `compared` are its lines and where they differ, where that is known already.
    """
    lines: list[str] = []
    size = 0
    for line in unified_lines(change.path, change.before, change.after, compared=compared):
        lines.append(line)
        size += len(line)
        if size > LOOKED_AT:
            break
    return flags_of_diff("".join(lines))


def flags_of_diff(diff: str) -> tuple[str, ...]:
    """The flags of a unified diff of one file, bounded alike."""
    if len(diff) <= LOOKED_AT:
        return diff_flags(diff)
    end = diff.rfind("\n", 0, LOOKED_AT) + 1 or LOOKED_AT
    return *diff_flags(diff[:end]), f"long-diff: only its first {end:,} characters were looked at for flags"


def mode_note(edit: FileEdit) -> str:
    """That permission bits change together with the bytes; empty if they do not."""
    if edit.before_sha256 is None or edit.after_sha256 is None or edit.former_mode == edit.mode:
        return ""
    return f"{edit.path}: mode {edit.former_mode & 0o7777:04o} becomes {edit.mode & 0o7777:04o}"
