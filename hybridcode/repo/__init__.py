"""The work tree as a value: snapshot, git facts, grammars and symbols.

Invariant: nothing here writes, and nothing of the repository is ever executed.
"""
