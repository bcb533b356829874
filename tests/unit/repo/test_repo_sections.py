import textwrap

import pytest

from hybridcode.repo.sections import (
    STRUCTURED,
    error_count,
    sections,
    structured_grammar_versions,
    structured_language_of,
)


def named(language: str, text: str) -> list[tuple[str, str, int, int]]:
    data = textwrap.dedent(text).encode()
    return [(section.kind, section.name, section.start, section.end) for section in sections(language, data)]


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("pyproject.toml", "toml"),
        ("a/B.JSON", "json"),
        ("tsconfig.jsonc", "json"),
        (".github/workflows/ci.yml", "yaml"),
        ("a.yaml", "yaml"),
        ("docs/README.md", "markdown"),
        ("x.mdx", "markdown"),
        ("schema.sql", "sql"),
        ("index.htm", "html"),
        ("a.scss", "css"),
        ("deploy/Dockerfile", "dockerfile"),
        ("Dockerfile.dev", "dockerfile"),
        ("web.dockerfile", "dockerfile"),
        ("Containerfile", "dockerfile"),
        ("GNUmakefile", "makefile"),
        ("rules.mk", "makefile"),
        ("a.py", None),
        ("json", None),
        ("notes.md/other", None),
        ("Dockerfile.md", "markdown"),
    ],
)
def test_a_language_is_known_by_the_name_of_the_file(path: str, language: str | None) -> None:
    assert structured_language_of(path) == language


def test_a_language_without_sections_has_none() -> None:
    assert sections("python", b"def f():\n    pass\n") == ()
    assert error_count("python", b"def") is None
    assert {structured_language_of(name) for name in ("Makefile", "a.css")} <= STRUCTURED


def test_versions_name_the_grammars_in_use() -> None:
    versions = structured_grammar_versions()
    assert list(versions) == ["json", "toml"]
    assert all(version[0].isdigit() for version in versions.values())


def test_toml_tables_take_the_comment_above_them_and_end_before_the_next() -> None:
    text = """\
        top = [
          1,
        ]

        # what is built
        [project]
        name = "x"
        odd = [
        [1],
        [2]
        ]
        text = '''
        [no.table]
        '''
        # said last

        [project.scripts]
        a = "b"

        [[tool.x]]
        a = 1
        [[tool.x]]
        b = 2
        """
    assert named("toml", text) == [
        ("key", "top", 1, 3),
        ("table", "project", 5, 14),
        ("table", "project.scripts", 17, 18),
        ("table", "tool.x[0]", 20, 21),
        ("table", "tool.x[1]", 22, 23),
    ]


def test_a_long_toml_table_shows_its_long_values() -> None:
    lines = "".join(f"k{number} = 1\n" for number in range(60))
    found = named("toml", f'[a."b c"]\n{lines}deps = [\n  1,\n  2,\n]\n')
    assert found == [("table", 'a."b c"', 1, 65), ("key", 'a."b c".deps', 62, 65)]


def test_json_members_stand_with_comments_and_trailing_commas() -> None:
    text = """\
        {
          "name": "x", "{": "]",
          // how it is run
          "scripts": {
            "a": "b", /* } */
            "c": [1, 2,],
          },
          "": [
            1
          ]
        }
        """
    assert named("json", text) == [("key", "scripts", 3, 7), ("key", '""', 8, 10)]


def test_long_json_is_divided_down_to_elements() -> None:
    elements = ", ".join(f'"{number}", {{\n"a": {number},\n"b": [1, 2]\n}}\n' for number in range(30))
    found = named("json", f'{{"list": [\n"x,y", {elements}]\n}}')
    assert found[0] == ("key", "list", 1, 122)
    assert found[1] == ("key", "list[2]", 2, 5)
    assert found[2] == ("key", "list[4]", 6, 9)
    assert len(found) == 31


def test_a_long_array_of_records_is_data() -> None:
    records = ",\n".join('{\n"a": 1,\n"b": 2\n}' for _ in range(300))
    assert named("json", f'{{"rows": [\n{records}\n]}}') == [("key", "rows", 1, 1202)]
    listed = "".join("- a: 1\n  b: 2\n  c: 3\n" for _ in range(300))
    assert named("yaml", listed) == []


@pytest.mark.parametrize("language", ["json", "toml", "yaml"])
def test_thousands_of_short_keys_give_no_sections(language: str) -> None:
    line = {"json": '"k{}": {},', "toml": "k{} = {}", "yaml": "k{}: {}"}[language]
    body = "\n".join(line.format(number, number) for number in range(5000))
    text = f"{{\n{body}\n}}" if language == "json" else body
    assert sections(language, text.encode()) == ()


def test_many_tiny_neighbours_give_no_sections() -> None:
    assert len(sections("makefile", b"".join(b"t%d:\n\techo\n" % number for number in range(20)))) == 20
    assert sections("makefile", b"".join(b"t%d:\n\techo\n" % number for number in range(100))) == ()


def test_a_long_workflow_is_divided_into_jobs_and_steps() -> None:
    steps = "".join(f"      - uses: a@{number}\n        with:\n          b: c\n" for number in range(20))
    text = (
        "name: CI\non:\n  push:\n    branches: [main]\n\n# all jobs\njobs:\n  build:\n    runs-on: x\n    steps:\n"
        "      - run: |\n          fake:\n            key: 1\n          # last\n"
        f"{steps}  # about test\n  test:\n    needs: build\n    runs-on: y\n"
    )
    found = named("yaml", text)
    assert found[:6] == [
        ("key", "on", 2, 4),
        ("key", "jobs", 6, 78),
        ("key", "jobs.build", 8, 74),
        ("key", "jobs.build.steps", 10, 74),
        ("key", "jobs.build.steps[0]", 11, 14),
        ("key", "jobs.build.steps[1]", 15, 17),
    ]
    assert found[-1] == ("key", "jobs.test", 75, 78)


def test_yaml_lists_may_stand_at_the_column_of_their_key() -> None:
    tasks = "".join(f"- name: t{number}\n  args:\n    a: 1\n" for number in range(25))
    found = named("yaml", f"tasks:\n{tasks}next:\n  a: 1\n  b: 2\n")
    assert found[0] == ("key", "tasks", 1, 76)
    assert found[1] == ("key", "tasks[0]", 2, 4)
    assert found[-1] == ("key", "next", 77, 79)


def test_the_first_key_of_a_long_yaml_element_stands_on_the_line_of_its_dash() -> None:
    long = "".join(f"    k{number}: 1\n" for number in range(60))
    found = named("yaml", f"- first:\n{long}  second:\n    a: 1\n    b: 2\n")
    assert found == [("key", "[0]", 1, 64), ("key", "[0].first", 1, 61), ("key", "[0].second", 62, 64)]


def test_yaml_values_that_look_like_keys_are_none() -> None:
    text = """\
        a: "one
          b: two
          c: three"
        d: {
          e: 1,
          f: 2
        }
        ? x
        "quoted: key" : &anchor
          g: http://x
          h: *y
        {{- if .Values.x }}
        i: !tag
          j: 1
          k: 2
        {{- end }}
        """
    assert named("yaml", text) == [
        ("key", "a", 1, 3),
        ("key", "d", 4, 8),
        ("key", "quoted: key", 9, 11),
        ("key", "i", 13, 15),
    ]


def test_yaml_documents_are_named_by_what_they_are() -> None:
    text = """\
        # first
        apiVersion: v1
        kind: Service
        metadata:
          labels: {a: b}
          name: web
        ---
        - a
        - b
        - c
        ...
        ---
        # nothing here
        """
    assert named("yaml", text) == [("key", "Service web", 1, 6), ("key", "document 2", 8, 10)]


def test_markdown_headings_make_a_path() -> None:
    text = """\
        ---
        title: x
        ---
        # Install

        text

        ## From source ##

        ```sh
        # no heading
        ```

        Two lines of
        one heading
        ---

        - item
        ---
        <!--
        # no heading
        -->
            # code

        Next
        ====
        end

        ###### Deep
        end
        """
    assert named("markdown", text) == [
        ("key", "front matter", 1, 3),
        ("heading", "Install", 4, 23),
        ("heading", "Install / From source", 8, 12),
        ("heading", "Install / Two lines of one heading", 14, 23),
        ("heading", "Next", 25, 30),
        ("heading", "Next / Deep", 29, 30),
    ]


def test_an_unclosed_fence_hides_the_rest() -> None:
    assert named("markdown", "# A\n\n````\n```\n# B\ntext\n") == [("heading", "A", 1, 6)]


def test_css_rules_and_long_media_blocks() -> None:
    rules = "".join(f"  .x{number} {{\n    a: 'b}}';\n  }}\n" for number in range(25))
    text = (
        "@charset 'x';\n/* links */\na:hover,\n b { color: red;\n background: url(data:x;//{}) }\n.tiny { a: b }\n"
        f"@media (min-width: 1px) {{\n{rules}}}\n@mixin foo($a) {{\n  x: #{{$a}}; // it's }}\n}}\n"
    )
    found = named("css", text)
    assert found[:3] == [
        ("rule", "a:hover, b", 2, 5),
        ("rule", "@media (min-width: 1px)", 7, 83),
        ("rule", "@media (min-width: 1px) .x0", 8, 10),
    ]
    assert found[-1] == ("rule", "@mixin foo($a)", 84, 86)
    assert len(found) == 28


def test_html_elements_are_known_by_tag_and_id() -> None:
    filler = "<br>\n" * 60
    text = (
        "<!doctype html>\n<html>\n<head>\n<title>a <b</title>\n"
        "<script>\nif (a<b) '</div>'\n</script>\n</head>\n<body>\n"
        f"<div class='x' id=main>\n<p>one\n<p>two\n</div>\n<section class='hero big'>\n{filler}"
        "<script type='text/x-template'>\n<i id=inner>\n\n</i>\n</script>\n</section>\n</body>\n</html>\n"
    )
    assert named("html", text) == [
        ("element", "head", 3, 8),
        ("element", "body", 9, 81),
        ("element", "div#main", 10, 13),
        ("element", "section.hero", 14, 80),
        ("element", "script", 75, 79),
    ]


def test_html_tags_without_a_partner_hurt_nobody_else() -> None:
    assert named("html", "</p>\n<div id=a>\n<b>\n{% if x %}<i>\n</div>\n<ul>\n<li>\n</ul>\n") == [
        ("element", "div#a", 2, 5),
        ("element", "ul", 6, 8),
    ]


def test_sql_statements_end_where_they_end() -> None:
    text = """\
        -- people
        CREATE TABLE IF NOT EXISTS public.users (
          id int, -- a; b
          name text default ';'
        );
        INSERT INTO tiny VALUES (1);
        insert into "other"
          values ('it''s; ok'), ('a\\'b;');
        CREATE OR REPLACE FUNCTION f() RETURNS int AS $body$
        BEGIN
          x;
        END;
        $body$ LANGUAGE plpgsql;
        CREATE TRIGGER t AFTER INSERT ON x BEGIN
          select case when 1 then 2 end;
          update y set a = 1;
        END;
        DELIMITER //
        CREATE PROCEDURE p()
        BEGIN
          select 1;
        END//
        DELIMITER ;
        -- name: GetThings :many
        select a,
          b
        from things;
        select count(*)
        from things
        """
    assert named("sql", text) == [
        ("statement", "create table public.users", 1, 5),
        ("statement", "insert into other", 7, 8),
        ("statement", "create function f", 9, 13),
        ("statement", "create trigger t", 14, 17),
        ("statement", "create procedure p", 19, 22),
        ("statement", "GetThings", 24, 27),
        ("statement", "select from things", 28, 29),
    ]


def test_docker_stages_and_the_instructions_of_a_single_one() -> None:
    staged = "ARG V=1\nFROM a:$V AS build\nRUN a && \\\n # c\n b\nCOPY . .\n\nFROM scratch\nCOPY --from=build /a /b\n"
    assert named("dockerfile", staged) == [("stage", "build", 2, 6), ("stage", "FROM scratch", 8, 9)]
    single = "FROM a\nRUN apt-get update \\\n && x \\\n && y\nRUN <<EOF\nFROM b AS c\nEOF\nCMD x\n"
    assert named("dockerfile", single) == [("statement", "RUN apt-get update", 2, 4), ("statement", "RUN <<EOF", 5, 7)]


def test_make_targets_keep_their_recipes_together() -> None:
    text = (
        "CC = gcc\nFLAGS := -O \\\n  -g\n\n"
        ".PHONY: all\n# builds it\nall: a b\n\techo\n\nifdef X\n\tmore\nelse\n\tless\nendif\n"
        "\n$(B)/%.o: %.c\n\t$(CC)\n\ndefine F\na: b\nendef\nt: V = 1\ninclude x\n"
    )
    assert named("makefile", text) == [
        ("key", "CC, FLAGS", 1, 3),
        ("target", "all", 6, 14),
        ("target", "$(B)/%.o", 16, 17),
        ("key", "define F", 19, 21),
    ]


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("json", '{"a": [1, 2.5e+10,], /* c */ "b": "//" // d\n}', 0),
        ("json", '{"a": 1}\n{"a": 2}\n', 0),
        ("json", "\ufeff{}", 0),
        ("json", '{"a": {% if x %} 1 {% endif %}}', None),
        ("toml", "a = 1\n[b]\nc = [1,\n2]\n", 0),
        ("css", "a { b: '}' } $x: 1; // it's\n", 0),
        ("css", "a { b: {{ x }} }", 0),
        ("css", "a { b: c", 1),
        ("css", "a } b }", 2),
        ("yaml", "a: [", None),
        ("markdown", "```", None),
        ("html", "<a", None),
    ],
)
def test_syntax_errors_are_counted_where_they_are_certain(language: str, text: str, count: int | None) -> None:
    assert error_count(language, text.encode()) == count


@pytest.mark.parametrize(("language", "text"), [("json", '{"a": [1 2]}'), ("json", '{"a": '), ("toml", "[a\nb = \n")])
def test_broken_files_have_errors(language: str, text: str) -> None:
    assert error_count(language, text.encode())
