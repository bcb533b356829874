"""One session: wires every room together and owns their lifetimes.

Invariant: whatever a view shows is a fold of the session's envelopes.
"""
