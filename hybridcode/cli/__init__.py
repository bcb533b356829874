"""The command line: click commands over sessions and rooms.

Invariant: stdout is data, stderr is for people; `console` is the only module that prints or ends the process.
"""
