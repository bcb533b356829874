"""Typed settings, the layers they come from, and trust in a repository's own files.

Invariant: what a repository says can only tighten until the user trusted exactly that content.
"""
