"""What the files of the generated repository say: one text for each language.

Invariant: plain data. `@Noun@`, `@noun@` and `@NOUN@` stand for what a file is about, `@verb@` for what it does,
`@Used@`, `@used@` and `@done@` for the noun and verb of the file it uses, `@count@` for a number.
"""

CODE: dict[str, tuple[str, str]] = {
    "python": (
        "shop/@noun@.py",
        '''"""The @noun@ of the shop."""

from shop.@used@ import @Used@, @done@_@used@

@NOUN@_LIMIT = @count@


class @Noun@:
    """Keeps every @noun@ by its key."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    def @verb@(self, key: int) -> int:
        """@verb@ one @noun@."""
        if key > @NOUN@_LIMIT:
            raise ValueError("the @noun@ is beyond its limit")
        return @done@_@used@(self.rows, key)


def @verb@_@noun@(rows: list[int], key: int) -> int:
    kept = @Used@(rows)
    return sum(row for row in kept.rows if row < key)
''',
    ),
    "javascript": (
        "web/@noun@.js",
        """import { @done@@Used@ } from './@used@.js'

// How many @noun@ rows a page shows.
export const @NOUN@_PAGE = @count@

export class @Noun@View {
  constructor(rows) {
    this.rows = rows
  }

  @verb@(key) {
    return @done@@Used@(this.rows, key) ?? @NOUN@_PAGE
  }
}

export function @verb@@Noun@(rows, key) {
  return rows.filter((row) => row.@noun@ === key)
}
""",
    ),
    "typescript": (
        "api/@noun@.ts",
        """import { @Used@Record, @done@@Used@Record } from './@used@'

export interface @Noun@Record {
  id: number
  parent?: @Used@Record
}

export function @verb@@Noun@Record(records: @Noun@Record[], id: number): @Noun@Record | undefined {
  const found = records.find((record) => record.id === id)
  return found ?? @done@@Used@Record(records, id + @count@)
}
""",
    ),
    "tsx": (
        "ui/@Noun@Panel.tsx",
        """import { @Used@Panel } from './@Used@Panel'

type @Noun@Props = { rows: string[]; onClose: () => void }

export function @Noun@Panel({ rows, onClose }: @Noun@Props) {
  return (
    <section title="@verb@ the @noun@">
      {rows.slice(0, @count@).map((row) => <p key={row}>{row}</p>)}
      <@Used@Panel rows={rows} onClose={onClose} />
    </section>
  )
}
""",
    ),
    "go": (
        "server/@noun@/@noun@.go",
        """// Package @noun@ serves the @noun@.
package @noun@

import "example.org/shop/server/@used@"

const Most@Noun@ = @count@

// @Noun@Server answers for one @noun@.
type @Noun@Server struct {
	rows []int
}

// @Verb@ gives one row of the @noun@.
func (s *@Noun@Server) @Verb@(key int) (int, error) {
	if key > Most@Noun@ {
		return 0, @used@.ErrNo@Used@
	}
	return s.rows[key], nil
}

var ErrNo@Noun@ = @used@.ErrNo@Used@
""",
    ),
    "rust": (
        "core/src/@noun@.rs",
        """//! The @noun@ engine.
use crate::@used@::{@done@_@used@_row, @Used@Row};

pub const @NOUN@_ROWS: usize = @count@;

/// One row of the @noun@.
pub struct @Noun@Row {
    pub key: usize,
    pub other: Option<@Used@Row>,
}

impl @Noun@Row {
    pub fn @verb@(&self) -> usize {
        @done@_@used@_row(self.key) + @NOUN@_ROWS
    }
}

pub fn @verb@_@noun@_row(key: usize) -> usize {
    key * 2
}
""",
    ),
    "java": (
        "android/src/@Noun@Store.java",
        """package org.example.shop;

/** Stores the @noun@ on the device. */
public class @Noun@Store {
    static final int MOST = @count@;
    private final @Used@Store other;

    public @Noun@Store(@Used@Store other) {
        this.other = other;
    }

    public int @verb@@Noun@(int key) {
        return key > MOST ? other.@done@@Used@(key) : key;
    }
}
""",
    ),
    "c": (
        "native/@noun@.c",
        """#include "@used@.h"

#define @NOUN@_SIZE @count@

struct @noun@_state {
    int rows[@NOUN@_SIZE];
};

/* @verb@ the @noun@ in place. */
int @verb@_@noun@_state(struct @noun@_state *state, int key)
{
    if (key >= @NOUN@_SIZE)
        return @done@_@used@_state(0, key);
    return state->rows[key];
}
""",
    ),
    "cpp": (
        "native/@noun@_cache.cpp",
        """#include "@used@_cache.hpp"

namespace shop {

class @Noun@Cache : public @Used@Cache {
public:
    int @verb@(int key) const override {
        return key < @count@ ? @Used@Cache::@done@(key) : key;
    }
};

int @verb@_@noun@_cache(const @Noun@Cache &cache) {
    return cache.@verb@(@count@);
}

}  // namespace shop
""",
    ),
    "c_sharp": (
        "desktop/@Noun@Form.cs",
        """namespace Shop.Desktop;

/// <summary>Shows the @noun@.</summary>
public class @Noun@Form
{
    private readonly @Used@Form _next = new();

    public int @Verb@@Noun@(int key)
    {
        return key > @count@ ? _next.@Done@@Used@(key) : key;
    }
}
""",
    ),
    "ruby": (
        "jobs/@noun@_job.rb",
        """require_relative '@used@_job'

# Runs the nightly @noun@.
class @Noun@Job
  LIMIT = @count@

  def @verb@(rows)
    rows.first(LIMIT).map { |row| @Used@Job.new.@done@([row]) }
  end

  def self.@verb@_@noun@_nightly(rows)
    new.@verb@(rows)
  end
end
""",
    ),
    "php": (
        "cms/@Noun@Page.php",
        """<?php
namespace Shop\\Cms;

/** The @noun@ page. */
class @Noun@Page
{
    public function @verb@@Noun@(array $rows, int $key): int
    {
        $next = new @Used@Page();
        return $key > @count@ ? $next->@done@@Used@($rows, $key) : $rows[$key];
    }
}
""",
    ),
    "swift": (
        "ios/@Noun@Screen.swift",
        """import Foundation

/// The @noun@ on a phone.
struct @Noun@Screen {
    let rows: [Int]

    func @verb@@Noun@(key: Int) -> Int {
        if key > @count@ {
            return @Used@Screen(rows: rows).@done@@Used@(key: key)
        }
        return rows[key]
    }
}
""",
    ),
    "kotlin": (
        "wear/@Noun@Tile.kt",
        """package org.example.wear

/** The @noun@ on a watch. */
class @Noun@Tile(private val rows: List<Int>) {
    fun @verb@@Noun@(key: Int): Int {
        return if (key > @count@) @Used@Tile(rows).@done@@Used@(key) else rows[key]
    }
}
""",
    ),
    "scala": (
        "batch/@Noun@Batch.scala",
        """package org.example.batch

/** Counts the @noun@ in bulk. */
object @Noun@Batch {
  val Most = @count@

  def @verb@@Noun@(rows: Seq[Int]): Int =
    if (rows.size > Most) @Used@Batch.@done@@Used@(rows) else rows.sum
}
""",
    ),
    "lua": (
        "game/@noun@.lua",
        """local @used@ = require("game.@used@")

local M = {}

-- @verb@ the @noun@ of a player.
function M.@verb@_@noun@_of(player)
  if player.score > @count@ then
    return @used@.@done@_@used@_of(player)
  end
  return player.@noun@
end

return M
""",
    ),
    "elixir": (
        "events/@noun@.ex",
        """defmodule Shop.@Noun@ do
  @moduledoc "Publishes the @noun@."
  alias Shop.@Used@

  def @verb@_@noun@_event(key) when key > @count@ do
    @Used@.@done@_@used@_event(key)
  end

  def @verb@_@noun@_event(key), do: {:@noun@, key}
end
""",
    ),
    "bash": (
        "scripts/@noun@.sh",
        """#!/usr/bin/env bash
# Moves the @noun@ to the archive.
source "$(dirname "$0")/@used@.sh"

@verb@_@noun@_archive() {
  local count=${1:-@count@}
  @done@_@used@_archive "$count"
}
""",
    ),
}
"""Language -> path and text of one file."""

TESTS: dict[str, tuple[str, str]] = {
    "python": (
        "tests/test_@noun@.py",
        "from shop.@noun@ import @Noun@, @verb@_@noun@\n\n\ndef test_@verb@_@noun@_below_the_limit():\n"
        "    rows = [1, @count@]\n    assert @verb@_@noun@(rows, 2) == 1\n    assert @Noun@(rows).rows == rows\n",
    ),
    "javascript": (
        "web/@noun@.test.js",
        "import { @verb@@Noun@ } from './@noun@.js'\n\ntest('@verb@ the @noun@', () => {\n"
        "  expect(@verb@@Noun@([], @count@)).toEqual([])\n})\n",
    ),
    "go": (
        "server/@noun@/@noun@_test.go",
        'package @noun@\n\nimport "testing"\n\nfunc Test@Verb@(t *testing.T) {\n\ts := &@Noun@Server{}\n'
        "\tif _, err := s.@Verb@(@count@); err == nil {\n\t\tt.Fatal(err)\n\t}\n}\n",
    ),
    "ruby": (
        "jobs/@noun@_job_spec.rb",
        "describe @Noun@Job do\n  it 'does @verb@ the @noun@' do\n    expect(@Noun@Job.new.@verb@([])).to eq([])\n"
        "  end\nend\n",
    ),
}
"""Language -> path and text of a test."""

PROSE: dict[str, tuple[str, str]] = {
    "markdown": (
        "docs/@noun@.md",
        "# The @noun@\n\nHow to @verb@ a @noun@, and why it follows the @used@.\n\n## Limits\n\n"
        "At most @count@ rows.\n\n```python\n@verb@_@noun@(rows, 3)\n```\n",
    ),
    "json": (
        "config/@noun@.json",
        '{\n  "@noun@": {"limit": @count@, "after": "@used@"},\n  "verbs": ["@verb@", "@done@"]\n}\n',
    ),
    "toml": ("config/@noun@.toml", '[@noun@]\nlimit = @count@\nafter = "@used@"\n\n[@noun@.verbs]\nfirst = "@verb@"\n'),
    "yaml": (
        "deploy/@noun@.yaml",
        "name: @noun@\nlimit: @count@\nafter:\n  - @used@\nsteps:\n  - run: @verb@ the @noun@\n",
    ),
    "sql": (
        "db/@noun@.sql",
        "CREATE TABLE @noun@ (id INTEGER PRIMARY KEY, @used@ INTEGER);\n\n"
        "CREATE VIEW @verb@_@noun@ AS SELECT id FROM @noun@ WHERE id < @count@;\n",
    ),
    "html": (
        "site/@noun@.html",
        '<!doctype html>\n<html>\n<body>\n<section id="@noun@">\n<h1>@verb@ the @noun@</h1>\n'
        '<a href="@used@.html">@used@</a>\n</section>\n</body>\n</html>\n',
    ),
    "css": (
        "site/@noun@.css",
        ".@noun@-list {\n  margin: @count@px;\n}\n\n.@noun@-list .@used@ {\n  color: red;\n}\n",
    ),
    "dockerfile": (
        "images/@noun@/Dockerfile",
        "FROM debian:12 AS @noun@\nRUN echo @verb@ the @noun@\n\nFROM @noun@\nCOPY @used@ /srv/@noun@\n",
    ),
    "makefile": (
        "make/@noun@/Makefile",
        ".PHONY: @verb@\n\n@verb@: @used@\n\techo @noun@ @count@\n\n@used@:\n\ttouch @used@\n",
    ),
    "text": ("notes/@noun@.txt", "The @noun@ comes after the @used@.\n\nDo not @verb@ it more than @count@ times.\n"),
}
"""Language -> path and text of a file that is no code."""
