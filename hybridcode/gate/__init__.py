"""The one door to disk and processes: policy -> approver -> effects.

Invariant: nothing is written and nothing is started before its approval is on disk.
"""
