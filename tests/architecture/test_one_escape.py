import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from source import each_of, name_of, python_files, tree_of

PAINTS = {"Content", "Text", "Segment"}
"""What holds text for the terminal."""
PAINTERS = {
    "hybridcode/tui/paint.py": "where text becomes something to paint",
    "hybridcode/tui/widgets/text_box.py": "lines of text that is being edited, veiled",
}
TEXT_WIDGETS = {
    "hybridcode/tui/widgets/painted.py": {"Static"},
    "hybridcode/tui/widgets/text_box.py": {"TextArea"},
    "hybridcode/tui/screens/questions.py": {"Input"},
    "hybridcode/tui/widgets/finder.py": {"Input"},
    "hybridcode/tui/screens/export.py": {"Input"},
    "hybridcode/tui/screens/line.py": {"Input"},
    "hybridcode/tui/screens/policy.py": {"Input"},
    "hybridcode/tui/widgets/in_order.py": {"Input"},
}
"""Widgets of Textual that paint strings, each where its strings are seen to. An Input holds what a person types."""
PAINTED_ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "sub_title", "loading", "title"}
SENDERS = {
    "hybridcode/tui/app.py": "sequences of ours; `tui/notices.py` makes those that hold a text, spelled out",
    "hybridcode/tui/terminal.py": "the file behind the driver: everything painted goes through it",
}
"""What may write to the terminal beside what is painted."""
PRINTERS = {"echo", "secho", "style", "echo_via_pager", "progressbar", "pager"}
SCREEN = python_files("hybridcode/tui")
COMMANDS = [file for file in python_files("hybridcode/cli") if file.name != "console.py"]


def calls_in(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def owner(call: ast.Call) -> str:
    return call.func.value.id if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else ""


def is_constant(node: ast.expr) -> bool:
    """True for text of ours: constants, and what `shown` makes of other text."""
    match node:
        case ast.Constant():
            return True
        case ast.Call(func=ast.Name(id="visible"), args=[text]):
            return is_constant(text)
        case ast.JoinedStr(values=values):
            return all(map(is_constant, values))
        case ast.FormattedValue(value=ast.Call(func=ast.Attribute(attr="shown"))):
            return True
        case ast.Attribute(attr="WORD") | ast.FormattedValue(value=ast.Attribute(attr="WORD")):
            return True
        case _:
            return False


@each_of(SCREEN)
def test_only_paint_makes_what_a_widget_can_paint(file: Path) -> None:
    made = {called(call) for call in calls_in(file)} & PAINTS
    made |= {owner(call) for call in calls_in(file)} & PAINTS
    assert not made or name_of(file) in PAINTERS


@each_of(SCREEN)
def test_widgets_that_paint_strings_are_wrapped(file: Path) -> None:
    imports = (node for node in ast.walk(tree_of(file)) if isinstance(node, ast.ImportFrom))
    taken = {alias.name for node in imports if node.module == "textual.widgets" for alias in node.names}
    assert taken <= TEXT_WIDGETS.get(name_of(file), set())


@each_of(SCREEN)
def test_no_string_is_painted_past_the_widgets(file: Path) -> None:
    tree = tree_of(file)
    assigned = (target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets)
    assert not [node.attr for node in assigned if isinstance(node, ast.Attribute) and node.attr in PAINTED_ATTRIBUTES]
    forbidden = {"notify", "print", "from_markup"} | (set[str]() if name_of(file) in SENDERS else {"write"})
    assert not [call for call in calls_in(file) if called(call) in forbidden]
    keywords = {word.arg: word.value for call in calls_in(file) for word in call.keywords if word.arg}
    assert "tooltip" not in keywords
    assert is_constant(keywords.get("placeholder", ast.Constant("")))
    markup = keywords.get("markup", ast.Constant(False))
    assert isinstance(markup, ast.Constant) and markup.value is False


@each_of(COMMANDS)
def test_commands_print_through_the_console_only(file: Path) -> None:
    assert not [call for call in calls_in(file) if owner(call) == "click" and called(call) in PRINTERS]
    assert not [call for call in calls_in(file) if called(call) in ("print", "write") and owner(call) in ("", "sys")]
    for call in calls_in(file):
        if owner(call) == "click" and called(call) in ("confirm", "prompt"):
            assert is_constant(call.args[0])


@pytest.mark.parametrize("text", ["f'{name}'", "name", "f'{escape(name)}'"])
def test_the_search_does_not_take_foreign_text_for_ours(text: str) -> None:
    assert not is_constant(ast.parse(text, mode="eval").body)
