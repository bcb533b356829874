"""Models: each in a child process of its own, one sender in front of them, a ledger behind them.

Invariant: a session never imports litellm, httpx or llama_cpp; the `*_host` modules do, run with `python -m`, and
`pull` with `transfer`, which are a command of their own.
"""
