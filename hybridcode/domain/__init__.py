"""Values, events, ports and errors that every floor shares.

Invariant: standard library and msgspec only; nothing here reads, writes, sleeps or knows a clock.
"""
