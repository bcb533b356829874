"""The console entry point: answers `--version` before anything is imported, then hands over to the command line.

Invariant: nothing outside the standard library is imported here before the version question is settled.
"""

import gc
import os
import sys

from hybridcode.version import __version__

_OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""More than Python's own number: what is imported stays, and looking for garbage in it costs a small command much."""
FRAMES_PER_S = "240"
"""What Textual may paint at most: a key waits for the next frame, and frames without news cost nothing."""


def main() -> None:
    """Run hybridcode with `sys.argv`; ends by SystemExit with one of our exit codes.

    TEXTUAL_FPS is set unless the user chose a value; Textual reads it at import.
    """
    if sys.argv[1:2] in (["--version"], ["-V"]):
        print(f"hybridcode {__version__}")
        return
    if sys.getfilesystemencoding() != "utf-8":
        _start_again_in_utf8()
    _forget_working_folder()
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_PER_S)
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    # Deferred: `--version` must answer without paying for the command line's imports.
    from hybridcode.cli.main import main as run

    run()


def _forget_working_folder() -> None:
    """No module is imported from the folder we work in: a repository could hold one with the name of any library."""
    here = os.path.realpath(os.curdir)
    if here == os.path.realpath(f"{__file__}/../.."):
        return
    if sys.path and os.path.realpath(sys.path[0] or os.curdir) == here:  # where `python -m` puts it
        del sys.path[0]
    sys.path[:] = [entry for entry in sys.path if entry not in ("", os.curdir)]


def _start_again_in_utf8() -> None:
    """Paths and source are UTF-8, whatever the locale says: with another encoding most of them cannot be opened."""
    os.execv(sys.executable, [sys.executable, "-X", "utf8", "-P", "-m", "hybridcode", *sys.argv[1:]])
