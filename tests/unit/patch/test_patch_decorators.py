import pytest

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

FILE = """import functools


class Dirs:
    @property
    def music(self):
        return self._music

    @music.setter
    def music(self, value):
        self._music = value

    @staticmethod
    @functools.lru_cache(
        maxsize=4,
    )
    # kept small
    def home(name):
        return f"/home/{name}"
"""
TARGET = Target("dirs.py", "region", 4, 18)
REGION = FILE.partition("\n\n\n")[2]
PLAIN = REGION.replace("    @property\n", "")


def placed(text: str, goal: str, path: str = "dirs.py", file: str = FILE) -> FileChange | Refusal:
    target = Target(path, "region", 4, 18) if file == FILE else Target(path, "region", 1, file.count("\n"))
    answer = read_answer(f"```\n{text}```\n", finish="stop", target=target)
    assert not isinstance(answer, Refusal)
    return place(answer, {path: file.encode()}, goal=goal)[0]


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        (PLAIN, "@property above Dirs.music"),
        (REGION.replace("    @music.setter\n", ""), "@music.setter above Dirs.music"),
        (
            REGION.replace("    @functools.lru_cache(\n        maxsize=4,\n    )\n", ""),
            "@functools.lru_cache above Dirs.home",
        ),
        (PLAIN.replace("    @staticmethod\n", ""), "@property above Dirs.music, @staticmethod above Dirs.home"),
        (PLAIN.replace("music", "songs"), "@property above Dirs.music"),
    ],
)
def test_a_definition_that_comes_back_without_a_decorator_is_refused(text: str, left_out: str):
    refusal = placed(text, "Return a Path. The old name music is renamed to songs.")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == f"the answer leaves out {left_out}"
    assert refusal.advice == "Write them out again; only decorators that the step names for removal may be missing."


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        (PLAIN, "Turn the property music into a method."),
        (REGION.replace("    @staticmethod\n", ""), "Pass self to home; it is no longer static."),
        (PLAIN, "Strip the decorators that are not needed."),
        (REGION.replace("@staticmethod", "@classmethod"), "Let home see the class."),
        (REGION.replace("maxsize=4", "maxsize=8"), "Keep eight homes."),
        (REGION.replace("@property", "@functools.cached_property"), "Compute music once."),
        (REGION.replace("    @property", "    @final\n    @property"), "Nobody may override music."),
    ],
)
def test_a_decorator_that_the_goal_takes_away_or_that_is_changed_is_not_missed(text: str, goal: str):
    assert isinstance(placed(text, goal), FileChange)


def test_a_property_that_gets_a_setter_keeps_its_decorator():
    had = REGION.replace("    @music.setter\n    def music(self, value):\n        self._music = value\n\n", "")
    got = had.replace("@property", "@music.setter", 1)
    both = had.replace(
        "    @staticmethod", "    @music.setter\n    def music(self, value):\n        pass\n\n    @staticmethod"
    )
    assert isinstance(placed(got, "Add a setter.", file=had), FileChange)
    assert isinstance(placed(both, "Add a setter.", file=had), FileChange)
    lost = placed(both.replace("    @property\n", ""), "Add a setter.", file=had)
    assert isinstance(lost, Refusal)
    assert lost.reason == "the answer leaves out @property above Dirs.music"


def test_a_test_that_is_enabled_loses_its_mark():
    file = "@pytest.mark.skipif(True, reason='slow')\ndef test_a():\n    assert 1\n"
    bare = file.partition("\n")[2]
    assert isinstance(placed(bare, "Enable the test again.", "test_a.py", file), FileChange)
    assert isinstance(placed(bare, "Assert more.", "test_a.py", file), Refusal)


def test_decorators_of_typescript_are_missed_too():
    file = "@Component({\n  selector: 'app'\n})\nexport class App {\n  @Input() name: string;\n\n  run() {}\n}\n"
    refusal = placed(file.replace("@Input() ", ""), "Rename nothing.", "app.ts", file)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "the answer leaves out @Input above App.name"
    refusal = placed(file.partition("})\n")[2], "Rename nothing.", "app.ts", file)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "the answer leaves out @Component above App"
