"""Where the imports of a file end."""

import pytest

from hybridcode.context.extents import import_lines


def lines(text: str, path: str = "a.py") -> tuple[int, int] | None:
    return import_lines(path, text.encode())


@pytest.mark.parametrize(
    "more",
    [
        'if sys.platform != "win32":\n    import sh\n',
        "try:\n    import sh\nexcept ImportError:\n    sh = None\n",
        "try:\n    import sh\nexcept ImportError:\n    pass\nelse:\n    from sh import ls\n",
        "if TYPE_CHECKING:\n    # only for types\n    from a import b\n    import c\n",
        "if sys.version_info > (3, 11):\n    if sys.platform:\n        import tomllib\nelse:\n    import tomli\n",
    ],
)
def test_conditional_imports_belong_to_the_imports(more: str):
    text = f"import os\nimport sys\n\n{more}"
    assert lines(f"{text}\nimport last\n\n\ndef f():\n    pass\n") == (1, len(text.splitlines()) + 2)
    assert lines(f"{text}\n\ndef f():\n    pass\n") == (1, len(text.splitlines()))


@pytest.mark.parametrize(
    "more",
    ["if DEBUG:\n    import sh\n    sh.start()\n", "if DEBUG:\n    RATE = 3\n", "try:\n    f()\nfinally:\n    pass\n"],
)
def test_a_condition_that_does_something_else_ends_them(more: str):
    assert lines(f"import os\n\n{more}") == (1, 1)
