import pytest

from hybridcode.domain.action import FileChange
from hybridcode.domain.refusal import Refusal
from hybridcode.domain.window import Target
from hybridcode.patch.check import warnings
from hybridcode.patch.left_out import is_named_for_removal, missed
from hybridcode.patch.place import place
from hybridcode.patch.read import read_answer

FILE = """LIMIT = 3


class Cart:
    size = 0

    def total(self):
        return sum(self.items) + LIMIT

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, value):
        self._rate = value
"""
CART = Target("cart.py", "region", 4, 16)
WITHOUT_SETTER = FILE[: FILE.index("\n    @rate.setter")].partition("\n\n\n")[2]
WITHOUT_TOTAL = FILE.partition("\n\n\n")[2].replace(
    "    def total(self):\n        return sum(self.items) + LIMIT\n\n", ""
)
RENAMED = FILE.partition("\n\n\n")[2].replace("def total", "def amount")


def placed(
    text: str, goal: str | None, target: Target | None = CART, *, may_go: tuple[str, ...] = (), file: str = FILE
) -> FileChange | Refusal:
    answer = read_answer(text, finish="stop", target=target)
    assert not isinstance(answer, Refusal)
    return place(answer, {"cart.py": file.encode()}, goal=goal, may_go=may_go)[0]


def fenced(text: str) -> str:
    return f"```python\n{text}```\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (WITHOUT_TOTAL, "Cart.total"),
        (WITHOUT_SETTER, "Cart.rate"),
        (FILE.partition("\n\n\n")[2].replace("    size = 0\n\n", ""), "Cart.size"),
    ],
)
def test_a_region_that_leaves_out_a_definition_is_refused(text: str, name: str):
    refusal = placed(fenced(text), "Make the setter faster.")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == f"the answer leaves out {name}; return the whole region"
    assert refusal.advice == "Write them out again; only what the step names for removal may be missing."
    assert refusal.left_out == (name,)


def test_a_whole_file_that_leaves_out_a_definition_is_refused():
    refusal = placed(fenced(FILE.replace("LIMIT = 3\n\n\n", "")), "Sort items.", Target("cart.py", "whole"))
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "the answer leaves out LIMIT; return the whole file"


@pytest.mark.parametrize(
    "goal", ["Remove `Cart.total`.", "Add a tax. Merge total into rate", "Entferne total aus Cart", None]
)
def test_what_the_goal_names_for_removal_may_go(goal: str | None):
    change = placed(fenced(WITHOUT_TOTAL), goal)
    assert isinstance(change, FileChange)
    assert b"total" not in (change.after or b"")


def test_a_goal_that_names_it_without_a_removal_does_not_let_it_go():
    assert isinstance(placed(fenced(WITHOUT_TOTAL), "Add a docstring to total."), Refusal)
    assert not is_named_for_removal("Cart.total", "Remove the subtotal. Add a docstring to total.")
    assert not is_named_for_removal("Cart.total", "Do not remove total.")
    assert not is_named_for_removal("Cart.total", "The method total must not be dropped.")


def test_a_deletion_that_says_so_is_placed():
    total = "    def total(self):\n        return sum(self.items) + LIMIT\n\n"
    block = f"cart.py\n<<<<<<< SEARCH\n{total}=======\n>>>>>>> REPLACE\n"
    change = placed(block, "Make it faster.")
    assert isinstance(change, FileChange)
    assert b"total" not in (change.after or b"")


DESCRIBED = "Drop the method that sums; the rate stays."


def test_a_definition_that_the_goal_describes_goes_when_it_is_left_out_again():
    refusal = placed(fenced(WITHOUT_TOTAL), DESCRIBED)
    assert isinstance(refusal, Refusal)
    assert refusal.left_out == ("Cart.total",)
    assert "leave them out once more" in refusal.advice
    change = placed(fenced(WITHOUT_TOTAL), DESCRIBED, may_go=refusal.left_out)
    assert isinstance(change, FileChange)
    assert b"total" not in (change.after or b"")


@pytest.mark.parametrize(
    ("goal", "text", "may_go", "file"),
    [
        ("Make the rate faster.", WITHOUT_TOTAL, ("Cart.total",), FILE),
        ("Drop the unused argument of each method.", WITHOUT_TOTAL, ("Cart.total",), FILE),
        ("Drop the class that sums.", WITHOUT_TOTAL, ("Cart.total",), FILE),
        (DESCRIBED, WITHOUT_TOTAL, ("Cart.size",), FILE),
        (DESCRIBED, WITHOUT_TOTAL.replace("    size = 0\n", ""), ("Cart.total",), FILE),
        (DESCRIBED, WITHOUT_TOTAL, ("Cart.total",), FILE + "\n\nprint(Cart().total())\n"),
    ],
)
def test_left_out_again_it_stays_where_the_goal_or_the_file_speaks_for_it(
    goal: str, text: str, may_go: tuple[str, ...], file: str
):
    refusal = placed(fenced(text), goal, may_go=may_go, file=file)
    assert isinstance(refusal, Refusal)
    assert "leaves out" in refusal.reason


def test_where_blocks_are_asked_for_a_block_is_how_to_delete_on_purpose():
    refusal = placed(fenced(WITHOUT_TOTAL), "Make it faster.", Target("cart.py", "blocks", 4, 16))
    assert isinstance(refusal, Refusal)
    assert "SEARCH/REPLACE" in refusal.advice


def test_a_rename_is_placed_and_told():
    change = placed(fenced(RENAMED), "Make it faster.")
    assert isinstance(change, FileChange)
    assert warnings([change]) == ("cart.py: Cart.total is gone and Cart.amount came, as in a rename",)


def test_members_follow_a_class_that_is_renamed():
    after = FILE.replace("Cart", "Basket").encode()
    assert missed("cart.py", FILE.encode(), after).renamed == (("Cart", "Basket"),)
    assert not missed("cart.py", FILE.encode(), after).left_out


def test_a_class_that_becomes_a_function_is_not_gone():
    before = b"class Cart:\n    size = 0\n\n    class Item:\n        pass\n"
    after = b"def Cart():\n    size = 0\n\n    class Item:\n        pass\n"
    assert not missed("cart.py", before, after).left_out


def test_of_a_class_that_is_gone_only_the_class_is_named():
    assert missed("cart.py", FILE.encode(), b"LIMIT = 3\n").left_out == ("Cart",)


def test_a_name_that_a_broken_text_still_holds_is_not_called_left_out():
    broken = FILE.replace("def total(self):", "def total(self:").encode()
    assert not missed("cart.py", FILE.encode(), broken).left_out


def test_names_inside_a_function_that_a_broken_text_tore_open_are_not_missed_in_its_repair():
    body = b'    code_path = folder / "a.py"\n    code_path.write_text(f"""\n        import os\n    """)\n'
    whole = b"def build(folder):\n" + body
    broken = whole.replace(b"def build(folder):\n", b"").replace(b'    """)\n', b"")
    assert not missed("test_zip.py", broken, whole).left_out


@pytest.mark.parametrize(
    ("path", "start", "gone", "end", "name"),
    [
        ("a.go", "package a\n\nfunc A() {\n}\n", "\nfunc Beta() int {\n\treturn 1\n}\n", "", "Beta"),
        ("a.rs", "struct A;\nimpl A {\n    fn a() {}\n", "    fn b() -> u8 { 1 }\n", "}\n", "A.b"),
        ("a.ts", "class A {\n  a() {}\n", "  b() { return 1 }\n", "}\n", "A.b"),
        ("A.java", "class A {\n  int a(int x) { return 1; }\n", "  int a() { return 2; }\n", "}\n", "A.a"),
        ("a.rb", "class A\n  def a\n  end\n", "  def b\n    1\n  end\n", "end\n", "A.b"),
        ("a.c", "int a(void) { return 1; }\n", "int b(void) { return 2; }\n", "", "b"),
        ("a.md", "# A\n", "\n# B\n", "", None),
    ],
)
def test_definitions_are_missed_in_many_languages(path: str, start: str, gone: str, end: str, name: str | None):
    found = missed(path, f"{start}{gone}{end}".encode(), f"{start}{end}".encode())
    assert found.left_out == ((name,) if name else ())
