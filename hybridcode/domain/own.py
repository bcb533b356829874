"""A person's own commands: which proposals are theirs, and which of them must be looked at before they run.

Invariant: typing a command never counts as a yes to what destroys something, hides something, or is for a person to
decide each time.
"""

from hybridcode.domain.action import Proposal, Ruling

OWN_STEP = "(you)"
"""The step that a person's own commands belong to; no plan can use this id."""
OWN_PURPOSE = "own"
"""What a ShellCommand says that a person typed it."""
TYPED_WORD_FLAGS = frozenset({"destructive"})
"""Flags for which a yes must be typed as a word."""
_PLAIN_FLAGS = frozenset({"network", "outside", "writes-git", "long-line"})
"""Flags of what a person who typed a line has seen in it."""


def is_own(proposal: Proposal) -> bool:
    """True for a command that a person typed themselves."""
    return proposal.step == OWN_STEP


def is_given(ruling: Ruling) -> bool:
    """True when typing the command answers what policy asks about it."""
    return not ruling.person_only and _PLAIN_FLAGS.issuperset(ruling.flags)


def waits_for_look(proposal: Proposal) -> bool:
    """True for a person's own command that is shown in a pane before it runs."""
    return is_own(proposal) and proposal.ruling.verdict == "ask" and not is_given(proposal.ruling)
