"""Widgets: each takes values, posts nested messages and has one .tcss file beside it.

Invariant: no widget knows a Conversation, a file system or a clock of its own.
"""
