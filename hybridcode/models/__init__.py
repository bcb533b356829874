"""Models: each in a child process of its own, one sender in front of them, a ledger behind them.

Invariant: this process never imports litellm, httpx or llama_cpp; only the `*_host` modules do, run with `python -m`.
"""
