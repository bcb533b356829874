"""Context windows: what of the repository one call shows to a model.

Invariant: a window is a pure function of snapshot, step and budget; no clock, no set order, ties broken by path and
line, never above the budget.
"""
