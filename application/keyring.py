"""Whose key is it? The keys that open the service."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.allowance import Allowance
from application.ports.keys import KeyFileError
from domain.key_lines import parse
from domain.keys import UNLIMITED, Key, digest, owner_of_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from application.ports.keys import KeyFilePort
    from application.ports.limits import AccountsPort


@dataclass(slots=True)
class Caller:
    """Who has a key.

    Attributes:
        name: what people call the key, where it has a name.
        allowance: None for no limits.
        valid: whether the key still opens the service.
    """

    owner: str | None
    name: str | None = None
    allowance: Allowance | None = None
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of reading the file; with problems the keys are those of before."""

    keys: int
    private: bool
    problems: tuple[str, ...] = ()


class KeyRing:
    """The keys given once and for all, and those of a file that may change.

    Args:
        fixed: keys of no name and no limits.
        file: more keys, once ``reload`` was called; those of both count as the file says.
        aliases: further names of models.
        accounts: where callers' use is counted.
    """

    def __init__(
        self,
        fixed: Iterable[str],
        file: KeyFilePort | None,
        aliases: Mapping[str, str],
        accounts: AccountsPort,
    ) -> None:
        self._fixed = [Key(digest(key), owner_of_key(key)) for key in map(str.encode, fixed)]
        self._file = file
        self._aliases = aliases
        self._accounts = accounts
        self._stamp: tuple[int, ...] | None = None
        self._callers: dict[bytes, Caller] = {}
        self._allowances: dict[str, Allowance] = {}
        self._use(self._fixed)

    @property
    def closed(self) -> bool:
        """Whether a key is needed at all."""
        return bool(self._fixed) or self._file is not None

    @property
    def has_file(self) -> bool:
        """Whether keys may change."""
        return self._file is not None

    def find(self, key: bytes) -> Caller | None:
        """Return whose ``key`` is, or None."""
        given = digest(key)
        # No early exit: the time taken tells nothing of which key it was.
        matches = [hmac.compare_digest(given, known) for known in self._callers]
        if not any(matches):
            return None
        caller = self._callers[given]
        if caller.owner is None:
            caller.owner = owner_of_key(key)
        return caller

    def has_changed(self) -> bool:
        """Return whether the file is another than when it was read last."""
        return self._file is not None and self._file.stamp() != self._stamp

    def reload(self) -> Loaded:
        """Read the file anew; where it cannot be used everything stays as it is."""
        if self._file is None:
            return Loaded(0, private=True)
        # Before it is read: what is written meanwhile shows as another change.
        self._stamp = self._file.stamp()
        private = self._file.is_private()
        try:
            lines = parse(self._file.read())
        except KeyFileError as error:
            return Loaded(0, private, (str(error),))
        if lines.problems:
            return Loaded(0, private, lines.problems)
        self._use([*self._fixed, *lines.keys.values()])
        return Loaded(len(lines.keys), private)

    def _use(self, keys: Iterable[Key]) -> None:
        before, self._callers = self._callers, {}
        allowances, self._allowances = self._allowances, {}
        for key in {key.digest: key for key in keys}.values():
            # What is under way with a key goes on, under its limits of today.
            caller = before.pop(key.digest, None) or Caller(None)
            caller.owner = key.owner or caller.owner
            caller.name = key.name
            caller.allowance = self._allowance(key, allowances)
            self._callers[key.digest] = caller
        for gone in before.values():
            gone.valid = False

    def _allowance(self, key: Key, before: Mapping[str, Allowance]) -> Allowance | None:
        """Return the allowance of all keys of a name; where it changes, its account stays."""
        if key.limits == UNLIMITED:
            return None
        # A name has no space.
        whose = f"unnamed {key.digest.hex()}" if key.name is None else key.name
        found = self._allowances.get(whose) or before.get(whose)
        if found is None or found.limits != key.limits:
            found = Allowance(key.limits, self._aliases, self._accounts.open(whose, key.limits))
        self._allowances[whose] = found
        return found
