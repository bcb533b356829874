"""`hybridcode models`: local models on this machine, and those that can be had.

Invariant: a command is one line of the table; only `pull` opens a connection, and only after a yes.
"""

import click

from hybridcode.cli.lazy import Lazy


class _Models(Lazy):
    table = {
        "list": "hybridcode.cli.models_here:list_",
        "pull": "hybridcode.cli.models_pull:pull",
        "add": "hybridcode.cli.models_here:add",
        "rm": "hybridcode.cli.models_here:rm",
        "inspect": "hybridcode.cli.models_inspect:inspect",
        "bench": "hybridcode.cli.models_bench:bench",
    }


@click.group(cls=_Models)
def models() -> None:
    """Local models: what is here, what fits, getting and removing them."""
