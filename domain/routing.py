"""Which of several model servers is asked first."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from domain.messages import Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.chat import ChatRequest

# Loading a model takes as long as this many answers, by the rule of thumb that it takes seconds.
_LOADING = 4
# A conversation stays where its cache is until that server is busier than another by this much.
_SLACK = 2
# Enough of a text to tell conversations apart; a system message may be a book.
_TOLD_APART = 4096


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that may be asked.

    Attributes:
        name: what tells it from the others, the same in every process.
        busy: answers under way there.
        loaded: it has the model in memory.
        known: it said so when last asked; others are asked last.
    """

    name: str
    busy: int
    loaded: bool = True
    known: bool = True


def conversation(request: ChatRequest) -> bytes:
    """Return what all turns of a conversation share: what it begins with, up to its first question.

    That is what a model server's cache of prompts goes by, too.
    """
    digest = blake2b(request.model.encode(), digest_size=8)
    for message in request.messages:
        digest.update(message.text[:_TOLD_APART].encode("utf-8", "surrogatepass"))
        if message.role is Role.USER:
            break
    return digest.digest()


def prompt(model: str, text: str) -> bytes:
    """Return the same for a bare text."""
    beginning = text[:_TOLD_APART].encode("utf-8", "surrogatepass")
    return blake2b(beginning, digest_size=8, key=model.encode()[:64]).digest()


def order(candidates: Sequence[Candidate], key: bytes) -> list[int]:
    """Return the places of ``candidates`` in the order to ask them in.

    Those with the least to do come first, a model to be loaded counting as work. Among those that
    are about equal the key decides, so that the same key finds the same server again, and the
    loss of a server moves its own keys only (rendezvous hashing).
    """
    costs = [one.busy + (0 if one.loaded else _LOADING) for one in candidates]
    least = min((cost for cost, one in zip(costs, candidates, strict=True) if one.known), default=0)

    def rank(place: int) -> tuple[bool, int, bytes]:
        one = candidates[place]
        extra = costs[place] - least
        score = blake2b(one.name.encode(), digest_size=8, key=key).digest()
        return not one.known, extra if extra > _SLACK else 0, score

    return sorted(range(len(candidates)), key=rank)
