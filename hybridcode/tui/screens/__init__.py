"""Whole screens: the session, the review of a proposal, help, and the small questions in front of them.

Invariant: a screen turns keys into messages; only the app talks to the Conversation.
"""
