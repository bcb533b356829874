"""A group of commands that are imported when they are used.

Invariant: listing the commands of the tree and starting one of them imports none of the others.
"""

import importlib
from collections.abc import Mapping

import click


class Lazy(click.Group):
    """A click group over a table of `name -> module:attribute`."""

    table: Mapping[str, str] = {}
    """Command name -> where it is defined, in the order of the help."""
    unlisted: frozenset[str] = frozenset()
    """Names that the help leaves out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return [name for name in self.table if name not in self.unlisted]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name].partition(":")
        return getattr(importlib.import_module(module), attribute)
