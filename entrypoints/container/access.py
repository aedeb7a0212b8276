"""Builds what says who may ask, and how much: here, or in the parent that several workers ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.key_file import KeyFile
from adapters.workers.link import LinkedPlaces
from application.account import Accounts
from application.keyring import KeyRing
from application.limited import LimitedLLM

if TYPE_CHECKING:
    from adapters.workers.link import Link
    from application.admission import Admission
    from application.ports.limits import AccountsPort, PlacesPort
    from application.ports.llm import LLMPort
    from application.ports.system import ClockPort
    from entrypoints.settings import Settings


def places(admission: Admission, link: Link | None) -> PlacesPort:
    """Return what gives places to answers."""
    return admission if link is None else LinkedPlaces(link)


def accounts(settings: Settings, clock: ClockPort, link: Link | None) -> AccountsPort:
    """Return what counts what each key uses."""
    return Accounts(clock, settings.queue_timeout_s) if link is None else link


def keyring(settings: Settings, accounts: AccountsPort) -> KeyRing:
    """Return the keys of the settings and of the file."""
    path = settings.key_file
    file = None if path is None else KeyFile(path)
    return KeyRing(settings.api_keys, file, settings.aliases, accounts)


def limited(llm: LLMPort, settings: Settings) -> LLMPort:
    """Return the models, around them the limits of keys."""
    # Only the keys of a file have limits.
    return llm if settings.key_file is None else LimitedLLM(llm)
