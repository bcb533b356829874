"""Stopping and leaving: what Ctrl+C, Ctrl+D and Ctrl+Q mean, and what is said before anything is cut off.

Invariant: text is never lost, and nothing that is at work is cut off by one key press alone.
"""

from hybridcode.tui.asking import Asking
from hybridcode.tui.desk import Desk
from hybridcode.tui.doing import doing_now, own_doing
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.waiting import farewell

AGAIN_S = 2.0
"""Seconds in which the same key a second time quits."""


class Leaving:
    """What the last key press announced."""

    def __init__(self, desk: Desk, asking: Asking) -> None:
        self._desk, self._asking = desk, asking
        self._stopped_at = self._announced_at = -AGAIN_S

    def stop(self) -> bool:
        """Put unsent text aside, else interrupt what runs; True the second time: the person wants to leave."""
        desk, now = self._desk, self._desk.clock()
        if desk.is_at_session and desk.session.put_text_aside():
            return False
        if now - self._stopped_at < AGAIN_S:
            return True
        self._stopped_at = now
        self._asking.put_aside()
        self.interrupt()
        desk.tell("·", f"Ctrl+C again within {AGAIN_S:.0f} s quits", "quiet")
        return False

    def interrupt(self) -> bool:
        """Stop what was begun last: the person's own command, else the task. False if nothing runs."""
        conversation = self._desk.conversation
        if conversation.is_own_running:
            self._desk.call(conversation.stop_own())
        elif conversation.is_running:
            self._desk.call(conversation.interrupt())
        else:
            return False
        return True

    def may_leave(self) -> bool:
        """True if nothing is at work, or if it has been said what leaving does to it."""
        desk, now = self._desk, self._desk.clock()
        is_at_work = desk.conversation.is_running and doing_now(desk.state) is not None
        is_own = own_doing(desk.state) is not None
        if not (is_at_work or is_own) or now - self._announced_at < AGAIN_S:
            return True
        self._announced_at = now
        what = "a task is at work" if is_at_work else "your command runs"
        said = f"{what}: again within {AGAIN_S:.0f} s stops it and quits; what is done and what waits is kept"
        screen = desk.app.screen
        if isinstance(screen, Framed):
            screen.flash(said)
        else:
            desk.tell("!", said, "warn")
        return False

    def farewell(self) -> str:
        """What to tell a person who leaves."""
        return farewell(self._desk.state)
