"""The terminal program: screens and widgets over a Conversation.

Invariant: what is on screen is a fold of the session's envelopes; nothing here reads or writes the user's files.
"""
