"""Settings of the screens themselves, put to use while the program runs.

Invariant: everything that is on screen afterwards looks as if the program had started with them.
"""

from textual.scrollbar import ScrollBar, ScrollBarRender

from hybridcode.tui.commands import choose_theme
from hybridcode.tui.desk import Desk
from hybridcode.tui.visible import use_ascii
from hybridcode.tui.widgets.bars import AsciiScrollBar
from hybridcode.tui.widgets.painted import Painted

LIVE = frozenset({"ui.theme", "ui.glyphs", "ui.side_by_side", "ui.bell", "ui.notify", "ui.title"})
"""Settings that hold at once; all others hold from the next session on."""


def draw_with(desk: Desk, is_ascii: bool) -> None:
    """From now on signs and lines are ASCII, or Unicode; before anything is painted, or for all that is."""
    use_ascii(is_ascii, has_unicode=desk.facts.has_unicode)
    desk.app.set_class(is_ascii, "-ascii")
    ScrollBar.renderer = AsciiScrollBar if is_ascii else ScrollBarRender
    for screen in desk.app.screen_stack:
        for widget in screen.walk_children():
            if isinstance(widget, Painted):
                widget.paint_again()
            widget.notify_style_update()
            widget.refresh(layout=True)
    if desk.app.is_running:
        desk.app.refresh_css(animate=False)


def show_settings(desk: Desk) -> None:
    """The screens follow the settings as they are now."""
    before = desk.facts
    desk.take_facts()
    if desk.facts.theme != before.theme:
        choose_theme(desk, desk.facts.theme)
    if desk.facts.is_ascii != before.is_ascii:
        draw_with(desk, desk.facts.is_ascii)
    desk.on_settings()
