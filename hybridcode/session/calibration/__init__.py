"""`hybridcode calibrate`: steps of this repository's past through several models, under the same checks.

Invariant: nothing here writes to the workspace or to git; every check runs in a scratch copy, through the gate.
"""
