"""From a model's text to changes of files, in memory.

Invariant: an answer becomes exactly one possible change or a refusal; nothing is guessed, nothing is half placed.
"""
