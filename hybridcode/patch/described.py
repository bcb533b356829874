"""Definitions that a goal describes for removal without naming them: `delete the test for 3.9 only`.

Invariant: a pure function of a kind of definition and the goal; what people call such a definition counts only as the
object of a word for a removal, or as what is said to go, and not where something goes from it.
"""

import re

from hybridcode.patch.goes import NOT, telling_sentences

_FUNCTION = "functions?|methods?|tests?|helpers?|fixtures?|handlers?|callbacks?|hooks?|routines?|procedures?|wrappers?"
_TYPE = "(?:sub)?class(?:es)?|types?|interfaces?|enums?|models?|exceptions?|structs?|mixins?|wrappers?"
_VALUE = "constants?|variables?|fields?|attributes?|settings?|options?|flags?|globals?|members?"
_ANY = "definitions?|symbols?"
_NOUNS = {
    "function": f"{_FUNCTION}|{_ANY}",
    "method": f"{_FUNCTION}|propert(?:y|ies)|setters?|getters?|{_ANY}",
    "class": f"{_TYPE}|{_ANY}",
    "interface": f"{_TYPE}|{_ANY}",
    "enum": f"{_TYPE}|{_ANY}",
    "type": f"{_TYPE}|{_ANY}",
    "constant": f"{_VALUE}|{_ANY}",
    "field": f"{_VALUE}|{_ANY}",
}
"""What people call a definition, by its kind."""
_ALL_OF_IT = r"everything|support|handling|all (?:the |of the )?code|(?:dead|old|legacy|unused) code"
_QUALITIES = (
    "whole|entire|old|legacy|deprecated|obsolete|unused|dead|redundant|duplicate|needless|private|public|wrapper|helper"
)
_REMOVE = rf"{NOT}\b(?:remov|delet|drop|retir|eliminat|discard|kill|get(?:s|ting)? rid of|tak(?:e|es|ing) out)\w*"
_TURNS = (
    r"\b(?:from|in|into|of|within|inside|to|for|with|by|at|on|using|that|which|what|where|when|so|but|not|keep|keeps"
    r"|keeping|leave|rename|update|change|make|add|let|use|uses|call|calls|return|returns|replace|move|merge)\b"
)
"""Words behind which a noun is no longer what is removed."""
_ELSE = (
    r"(?:,|\b(?:and|or|then))\s+(?:(?:and|or|then|also)\s+)?"
    rf"(?!(?:the|its|their|this|these|those|all|any|every|both|{_QUALITIES}|{{noun}})\b|\w+(?:,|\s+(?:and|or)\b))[^\W\d_]"
)
"""What else is done: behind a comma or `and` no more of what is removed, nor one name of a list."""
_GOES_AWAY = (
    r"(?:goes?(?=\s*(?:[.;,:!)]|\Z|(?:away|too|as well|entirely|completely|now)\b))"
    r"|is gone|are gone|(?:is|are|must|can|should|may|to) (?:be )?(?:removed|deleted|dropped|retired))\b"
)
_ENDS = (
    r"(?=\s*(?:\Z|[.;:!)]|,\s*(?:it|which|that)\b)"
    r"|\s+(?:that|which|who|for|only|entirely|completely|altogether|here|again|as|since|because|now)\b"
    r"|\s+(?:from|in)\s+(?:this|the)\s+(?:file|module)\b)"
)


def is_described(kind: str, goal: str) -> bool:
    """A sentence of the goal says that something goes that a definition of this kind may be."""
    nouns = f"{_NOUNS.get(kind, _ANY)}|{_ALL_OF_IT}"
    noun, other = rf"\b(?:{nouns})\b", _ELSE.format(noun=nouns)
    removed = re.compile(rf"{_REMOVE}(?:(?!{_TURNS}|{other})[^:])*?{noun}", re.IGNORECASE)
    goes = re.compile(rf"\A\W*(?:\w+\s+){{0,3}}?{noun}.*?\s{_GOES_AWAY}", re.IGNORECASE)
    return any(removed.search(sentence) or goes.search(sentence) for sentence in telling_sentences(goal))


def is_itself_meant(kind: str, goal: str) -> bool:
    """A sentence of the goal says, of the one place of a step, that it goes: `Delete it`, `Remove the class that wraps
    the old path`; nothing else is what goes there."""
    nouns = _NOUNS.get(kind, _ANY)
    what = rf"(?:(?:the|this|that)\s+(?:(?:{_QUALITIES})\s+){{0,3}}(?:{nouns})\b|it\b|this\b(?!\s+\w)){_ENDS}"
    removes = r"(?:remove|delete|drop|retire|eliminate|discard|kill|get rid of|take out)"
    meant = re.compile(rf"\A\W*(?:please\s+|then\s+|now\s+)?{removes}\s+{what}", re.IGNORECASE)
    return any(meant.search(sentence) for sentence in telling_sentences(goal))
