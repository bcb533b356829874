"""The last lines of a text run: outcome, files, tokens, cost, what to do next.

Invariant: made from the JSON result alone; a number has its unit, an unknown cost is said to be unknown.
"""

from typing import Any


def summary_lines(result: dict[str, Any]) -> list[str]:
    """The summary of a result of `result_of`."""
    lines = [f"{result['exit_reason'].replace('_', ' ')}: {result['message']}"]
    if result["files"]:
        lines.append(f"files: {', '.join(result['files'])}")
    lines += ledger_lines(result)
    for approval in result["pending_approvals"]:
        lines.append(f"pending: {approval['id']}  {approval['title']}")
    if result["pending_approvals"]:
        lines.append(f"next: hybridcode approvals approve ID, then hybridcode sessions resume {result['session_id']}")
    elif result["worktree"] and result["worktree"]["is_removed"]:
        branch = result["worktree"]["branch"]
        lines += [f"take it: git merge {branch}", f"drop it: git branch -D {branch}"] if branch else []
    elif result["files"]:
        lines.append(f"undo: hybridcode undo {result['session_id']}")
    return lines


def ledger_lines(result: dict[str, Any]) -> list[str]:
    """Tokens and cost by model."""
    lines: list[str] = []
    for name in ("frontier", "local"):
        account = result["ledger"][name]
        if not account["calls"]:
            continue
        text = f"{name}: {account['calls']} calls, {account['input_tokens']} tokens in"
        if account["cached_tokens"]:
            text += f" ({account['cached_tokens']} reused)"
        text += f", {account['output_tokens']} out, {account['seconds']:.1f} s"
        if name == "frontier":
            text += ", cost unknown" if account["usd"] is None else f", ${account['usd']:.4f}"
        lines.append(text)
    share = result["ledger"]["local_output_share"]
    if share is not None:
        lines.append(f"local share of the output: {share:.0%} (bytes / 4)")
    egress = result["egress"]
    hosts = f" to {', '.join(egress['hosts'])}" if egress["hosts"] else ""
    lines.append(f"left this machine: {egress['bytes_sent']} bytes in {egress['remote_calls']} calls{hosts}")
    return lines
