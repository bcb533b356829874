"""Readers of structured files: each finds the named blocks of one language.

Invariant: pure functions of the bytes, linear in their length, without recursion; whatever the bytes, they return.
"""
