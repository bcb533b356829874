"""Which theme the program wears, and what happens when a theme's file changes.

Invariant: colours change at a person's own act only: a key, a command, a file of theirs that they saved.
"""

from textual.app import App

from hybridcode.tui.commands import choose_theme
from hybridcode.tui.desk import Desk
from hybridcode.tui.screens.framed import Framed
from hybridcode.tui.theme_files import ThemeFiles
from hybridcode.tui.themes import textual_theme

LOOK_S = 1.0
"""Seconds between two looks at the files."""


class Wearing:
    """Carries themes from their files into the app."""

    def __init__(self, files: ThemeFiles) -> None:
        self.files = files

    def register(self, app: App[str]) -> None:
        """Make all of them known."""
        for theme in self.files.themes.values():
            app.register_theme(textual_theme(theme))

    def begin(self, desk: Desk) -> None:
        """Say which files could not be read, and which theme there is not."""
        for error in self.files.faults:
            desk.say(error)
        if desk.app.theme != desk.facts.theme:
            choose_theme(desk, desk.facts.theme)

    def look(self, desk: Desk) -> None:
        """Show what was changed in the files."""
        app, seen = desk.app, self.files.look()
        for name in seen.changed:
            app.register_theme(textual_theme(self.files.themes[name]))
        for name in seen.gone:
            if name != app.theme:
                app.unregister_theme(name)
        for error in seen.errors:
            desk.say(error)
            if isinstance(app.screen, Framed):
                app.screen.flash(error.advice)
        if app.theme in seen.changed:
            app.mutate_reactive(App.theme)
        elif desk.facts.theme in seen.changed:
            choose_theme(desk, desk.facts.theme)
