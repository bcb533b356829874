import json
from pathlib import Path

import pytest

from hybridcode.repo.checks import detect_checks, first_of
from tests.support.repos import write_tree


def package(**scripts: str) -> str:
    return json.dumps({"scripts": scripts})


@pytest.mark.parametrize(
    ("files", "test", "lint"),
    [
        ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, "python3 -m pytest -q", None),
        ({"tests/test_a.py": ""}, "python3 -m pytest -q", None),
        ({"a_test.py": "", "ruff.toml": ""}, "python3 -m pytest -q", "ruff check ."),
        ({"setup.cfg": "[tool:pytest]\n[flake8]\n"}, "python3 -m pytest -q", "flake8"),
        ({"pyproject.toml": "[tool.ruff]\n", ".venv/bin/ruff": ""}, None, ".venv/bin/ruff check ."),
        ({"conftest.py": "", ".venv/bin/python": ""}, ".venv/bin/python -m pytest -q", None),
        ({"setup.cfg": "[metadata]\n", "pyproject.toml": "not [ toml"}, None, None),
        ({"package.json": package(test="vitest run", lint="eslint .")}, "npm test", "npm run lint"),
        ({"package.json": package(test="jest"), "pnpm-lock.yaml": ""}, "pnpm test", None),
        ({"package.json": package(test="jest"), "yarn.lock": ""}, "yarn test", None),
        ({"package.json": '{"packageManager": "pnpm@9.1.0", "scripts": {"test": "x"}}'}, "pnpm test", None),
        ({"package.json": package(test='echo "Error: no test specified" && exit 1')}, None, None),
        ({"package.json": package(), "test/a.test.mjs": ""}, "node --test", None),
        ({"package.json": "[]", "eslint.config.mjs": ""}, None, "npx --no-install eslint ."),
        ({"package.json": "{broken"}, None, None),
        ({"go.mod": "module x\n"}, "go test ./...", "go vet ./..."),
        ({"Cargo.toml": "[package]\n", "clippy.toml": ""}, "cargo test", "cargo clippy"),
        ({"Makefile": "all:\n\ntest: all\n\t./t\nlint:\n\t./l\n"}, "make test", "make lint"),
        ({"Makefile": "check:\n\t./t\n"}, "make check", None),
        ({"Makefile": "test := 1\ntests:\n\t./t\n"}, None, None),
        ({"tox.ini": "[tox]\n", "noxfile.py": ""}, None, None),
        ({"go.mod": "module x\n", "Makefile": "test:\n"}, "go test ./...", "go vet ./..."),
        ({}, None, None),
    ],
)
def test_what_the_files_tell(tmp_path: Path, files: dict[str, str], test: str | None, lint: str | None):
    found = detect_checks(write_tree(tmp_path, files))
    tests, linter = first_of(found, "test"), first_of(found, "lint")
    assert (tests and tests.command, linter and linter.command) == (test, lint)
    assert all(one.reason for one in found)


def test_the_reason_names_the_file(tmp_path: Path):
    (found,) = detect_checks(write_tree(tmp_path, {"tests/test_b.py": "", "tests/test_a.py": ""}))
    assert found.reason == "there is tests/test_a.py"
