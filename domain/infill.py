"""Filling a hole in a text by asking for it in words, as a chat model understands.

Models that were trained to fill in the middle have marks for it. Any other can be shown a text
with a hole; two small examples do more for weak models than any rule.
"""

from __future__ import annotations

import re

from domain.messages import Message, Role

_RULE = (
    "You fill holes in texts. The user sends a text in which {hole} marks a missing part. Answer "
    "with the missing part alone: what stands in place of {hole}, with its line breaks and "
    "indentation. Do not repeat the text around it, explain nothing, and put nothing around it."
)
_EXAMPLES = (
    ("The 5th ", " is Jupiter.", "planet from the Sun"),
    ("def area(w, h):\n    return ", "\n\nprint(area(2, 3))", "w * h"),
)

_MARK = re.compile(r"<HOLE((?:-[0-9]{1,9})?)/>")
_FENCE = "```"
# Bounded, so that little is held back whatever comes.
_LANGUAGE = r"```[\w+#.-]{0,20}[ \t]{0,9}"
_OPENING = re.compile(rf"\s{{0,20}}{_LANGUAGE}\n")
_MAY_OPEN = re.compile(rf"\s{{0,20}}(?:`{{0,2}}|{_LANGUAGE})")
_CLOSING = re.compile(r"\n[ \t]{0,20}```")
_MAY_CLOSE = re.compile(r"\n[ \t]{0,20}`{0,2}\Z")


def question(prompt: str, suffix: str) -> tuple[Message, ...]:
    """Return the messages that ask for what is missing between ``prompt`` and ``suffix``."""
    hole = _mark(prompt + suffix)
    turns = [Message(Role.SYSTEM, _RULE.format(hole=hole))]
    for before, after, missing in _EXAMPLES:
        turns.append(Message(Role.USER, f"{before}{hole}{after}"))
        turns.append(Message(Role.ASSISTANT, missing))
    return (*turns, Message(Role.USER, f"{prompt}{hole}{suffix}"))


def has_fences(text: str) -> bool:
    """Return whether fences may belong to what is missing in ``text``."""
    return _FENCE in text


class Unfenced:
    """Takes the fence off an answer that is one block of code, as it is written.

    No more is held back than the fence's own line, and a line break that it may follow.
    """

    def __init__(self) -> None:
        self._held = ""
        self._begun = False
        self._fenced = False
        self._closed = False

    def feed(self, text: str) -> str:
        """Return what can be passed on now that ``text`` has come; possibly nothing."""
        if self._closed:
            return ""
        self._held += text
        if not self._begun and not self._begin():
            return ""
        if not self._fenced:
            return self._release(len(self._held))
        if closing := _CLOSING.search(self._held):
            self._closed = True
            return self._release(closing.start())
        doubt = _MAY_CLOSE.search(self._held)
        return self._release(doubt.start() if doubt else len(self._held))

    def end(self) -> str:
        """Return the rest of an answer that has ended."""
        return "" if self._closed else self._release(len(self._held))

    def _begin(self) -> bool:
        """Decide how the answer begins; False while that is open."""
        if opening := _OPENING.match(self._held):
            self._held = self._held[opening.end() :]
            self._fenced = True
        elif _MAY_OPEN.fullmatch(self._held):
            return False
        self._begun = True
        return True

    def _release(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        return text


def _mark(text: str) -> str:
    """Return a mark that ``text`` does not hold."""
    # At once: looking for one mark after the other, a text made of them took hours.
    taken = set(_MARK.findall(text))
    endings = ("", *(f"-{number}" for number in range(2, len(taken) + 2)))
    return f"<HOLE{next(ending for ending in endings if ending not in taken)}/>"
