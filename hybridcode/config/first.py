"""What a first config can be guessed from.

Invariant: looks at names of files only; nothing of the repository is read or run.
"""

from pathlib import Path

TEST_COMMANDS = (
    ("pyproject.toml", "python3 -m pytest -q"),
    ("package.json", "npm test"),
    ("go.mod", "go test ./..."),
    ("Cargo.toml", "cargo test"),
    ("Makefile", "make test"),
)
"""A file at the root, and the test command that goes with it."""


def likely_test_commands(workspace: Path) -> tuple[str, ...]:
    """Test commands that go with the files at the root, the likeliest first."""
    return tuple(command for name, command in TEST_COMMANDS if (workspace / name).exists())
