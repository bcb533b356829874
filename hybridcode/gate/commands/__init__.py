"""What a shell command would do, read from its parsed text; nothing here runs anything.

Invariant: only what is understood completely is ever called harmless.
"""
