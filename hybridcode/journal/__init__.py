"""The write-ahead record: events in hash chains, blobs by digest, approvals by compare-and-swap.

Invariant: what a call here returned from is on disk.
"""
