"""Log probabilities in the legacy form."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

from entrypoints.http.openai.completions import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.chat import TokenLogprob, TopLogprob

_decoder = getincrementaldecoder("utf-8")


class LegacyLogprobs:
    """Renders the tokens of one completion, in one go or piece by piece."""

    def __init__(self) -> None:
        # A token may be part of a character; only whole characters count.
        self._characters = _decoder("replace")
        self._offset = 0

    def render(self, entries: Iterable[TokenLogprob]) -> wire.Logprobs:
        """Return the next tokens, each with its place in the text in characters."""
        out = wire.Logprobs([], [], [], [])
        for entry in entries:
            drawn = _text(entry)
            out.tokens.append(drawn)
            out.token_logprobs.append(entry.logprob)
            # The drawn token is always among them, so there may be one more than asked for.
            out.top_logprobs.append({_text(top): top.logprob for top in entry.top})
            out.top_logprobs[-1][drawn] = entry.logprob
            out.text_offset.append(self._offset)
            utf8 = entry.token.encode() if entry.utf8 is None else entry.utf8
            self._offset += len(self._characters.decode(utf8))
        return out


def _text(entry: TokenLogprob | TopLogprob) -> str:
    """Return a token's text, or OpenAI's form of bytes that are none by themselves."""
    if entry.utf8 is None:
        return entry.token
    try:
        return entry.utf8.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in entry.utf8)
