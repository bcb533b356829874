import pytest

from hybridcode.domain.action import FileChange
from hybridcode.patch.check import warnings
from hybridcode.patch.names import undefined

BASE = "import { rate } from './tax';\n\nexport function total(items) {\n  return items.length * rate;\n}\n"


def missing(after: str, path: str = "shop.js", before: str = BASE) -> tuple[str, ...]:
    return undefined(path, before.encode(), after.encode())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("total(format(new Cart()), `${name}`, { a: b, [key]: 1 });", ("format", "Cart", "name", "b", "key")),
        ("const { a = 1, c: { d }, e: h = 3, ...rest } = total; a; d; h; rest;", ()),
        ("const [p, s = 2] = []; p; s; for (const k of rate) k; try {} catch (e) { e }", ()),
        ("const f = (x, { y, z: q }, ...r) => x + y + q + r; const g = function h() { return h }; g(f);", ()),
        ("import d, { a as b } from './x'; import * as w from 'w'; d(b, w.any); export * as ns from './a';", ()),
        ("export { q } from './b'; if (typeof maybe !== 'undefined') console.log(process.env, window, fetch);", ()),
        ("class A extends Base { #p = 1; m() { return this.q } }", ("Base",)),
        ("label: for (;;) break label;", ()),
        ("function broken( {", ()),
        ("x instanceof HTMLInputElement; new MessageEvent(CSS, DOMRect, SVGElement, Eventful);", ("x", "Eventful")),
        ("/* global angular, $http:readonly */ angular($http, other);", ("other",)),
    ],
)
def test_names_that_a_script_leaves_undefined(text: str, names: tuple[str, ...]):
    assert missing(BASE + text) == names


def test_a_script_that_is_no_module_gets_names_from_others():
    assert missing("total(format(1));\n", before="") == ()
    assert missing("const x = require('x');\nx(format(1));\n", before="") == ("format",)


def test_what_was_undefined_before_or_is_so_no_more_is_told_apart():
    assert missing(BASE + "a(); b();", before=BASE + "a();") == ("b",)
    assert missing(BASE.replace("import { rate } from './tax';", "import './tax';")) == ("rate",)


TYPED = """import type { T } from './t';
enum E { A }
namespace N { export const v = 1 }
declare const G: number;
export function f<U>(this: Foo, a?: number, b: string = d): U { return E.A + N.v + G + a + b + zed as unknown as T }
class C { constructor(private readonly svc: S) { svc; } }
abstract class D { abstract m(k: string): void }
type F = (arg: string) => void;
interface I { (z: number): void; m(p: string): void; [key: string]: any }
let z2: typeof f;
import q = require('q');
q(z2);
"""


def test_types_are_not_looked_at():
    assert missing(TYPED, "shop.ts", "") == ("d", "zed")


def test_tags_are_names_where_they_are_components():
    text = "export const X = ({ p }) => <A.B on={() => p}>{rows.map((i) => <li key={i}><Cart {...q} /></li>)}</A.B>;"
    assert missing(BASE + text, "shop.tsx") == ("A", "rows", "Cart", "q")
    assert missing(BASE + text, "shop.jsx") == ("A", "rows", "Cart", "q")


def test_they_are_warnings_beside_the_change():
    change = FileChange("shop.js", BASE.encode(), BASE.replace("* rate", "* tax").encode())
    assert warnings([change]) == ("shop.js: tax is not defined in this file",)


def test_a_part_of_a_tuple_may_have_a_name():
    assert missing("export type Pair = [first: string, second?: number];\n", path="a.ts") == ()
