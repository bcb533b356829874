"""The loop: a plan by the frontier, drafts by the local model, a gate before every effect, a judge at the end.

Invariant: no model's words reach disk or a shell except through the gate; each model call is built afresh and bounded.
"""
