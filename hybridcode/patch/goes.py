"""Words of a goal for what leaves nothing in its place.

Invariant: a pure function of the goal; a name that sounds like a removal is none.
"""

import re

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
NOT = "(?<!not )(?<!not be )(?<!n't )(?<!n't be )(?<!never )(?<!without )(?<!instead of )(?<!than )"
"""What does not stand before a word that means what it says."""
GOES = re.compile(
    rf"{NOT}\b(?:remov|delet|drop|mov|inlin|no longer|get rid|retir|eliminat|discard|kill|obsolet|unused"
    r"|goes\b|go\b(?=\s*(?:[.;,)]|away\b|\Z))|gone\b|leaves?\b|tak(?:e|es|en) (?:it |them )?out\b"
    r"|entfern|l[öo]sch|streich|supprim|enl[eè]v|elimin|borr|quit|rimuov)"
    r"|删除|移除|去掉|削除|삭제|제거|удал",
    re.IGNORECASE,
)
"""Those words for a removal that leave nothing in its place: what is replaced, renamed or merged is not just gone."""
OF_SOMETHING_ELSE = re.compile(
    r"\b(?:from|in|into|of|within|inside|to|for|with|by)\s+(?:(?:the|a|an|function|method|class|constant|its)\s+)*"
    r"[`'\"]?(?:\w+(?:\.|::))*\Z",
    re.IGNORECASE,
)
"""What stands before a name that says where something goes, and not that it goes itself (`the print in total`)."""


def sentences_of(goal: str) -> list[str]:
    """A goal taken apart into what it says one after the other."""
    return _SENTENCE.split(goal)


def telling_sentences(goal: str) -> list[str]:
    """The sentences of a goal that say that something goes."""
    return [sentence for sentence in sentences_of(goal) if GOES.search(sentence)]


def goes(text: str, sentence: str) -> bool:
    """The sentence names `text` as what goes; its own letters are no word for a removal."""
    word = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
    if not GOES.search(word.sub("", sentence)):
        return False
    return any(not OF_SOMETHING_ELSE.search(sentence[: found.start()]) for found in word.finditer(sentence))
