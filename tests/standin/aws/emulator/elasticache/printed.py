"""An access string as the service hands it back: as a server prints a user's rules. Pure.

``ACL LIST`` prints keys, channels, commands, then selectors, each word once and only what counts:
``resetkeys`` is gone, and a list of commands begins with what it starts from, ``-@all`` or
``+@all``. The service's own examples have this form: ``off +get ~keys*`` becomes ``off ~keys* -@all
+get`` (user guide, "Role-Based Access Control"), ``on ~app:* +@read`` becomes ``on ~app:* -@all
+@read`` (a live store, go-to-k/cdk-real-drift 488). They leave out what a server would add for
channels and databases that nobody spoke of, and ``sanitize-payload``; so does this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_WORD: Final = re.compile(r"\([^()]*\)|[^\s()]+")
_ALL_KEYS: Final = "~*"
_ALL_CHANNELS: Final = "&*"
_EVERYTHING: Final = {"allcommands": "+@all", "nocommands": "-@all"}
_EITHER: Final = "RW"


@dataclass(slots=True)
class _Permissions:
    """What a user's own rules, or those of one selector, come to."""

    keys: dict[str, str] = field(default_factory=dict)
    """What may be done with keys of a pattern: ``R``, ``W`` or ``RW``."""

    channels: list[str] | None = None
    databases: str | None = None
    base: str = "-@all"
    commands: list[str] = field(default_factory=list)

    def take(self, word: str) -> None:
        """Apply one rule after those before."""
        word = {"allkeys": _ALL_KEYS, "allchannels": _ALL_CHANNELS, **_EVERYTHING}.get(word, word)
        if word == "resetkeys":
            self.keys = {}
        elif word == "resetchannels":
            self.channels = []
        elif word == "alldbs":
            self.databases = None
        elif word == "resetdbs" or word.startswith("db="):
            self.databases = word
        elif word[0] in "~%":
            self._take_keys(word)
        elif word[0] == "&":
            kept = [] if self.channels is None or word == _ALL_CHANNELS else self.channels
            self.channels = [*(one for one in kept if one != word), word]
        elif word[0] in "+-":
            self._take_commands(word.lower())

    def _take_keys(self, word: str) -> None:
        mode, _, pattern = word.removeprefix("%").partition("~")
        if word == _ALL_KEYS:
            self.keys = {}
        both = {*self.keys.get(pattern, ""), *(mode or _EITHER)}
        self.keys[pattern] = "".join(one for one in _EITHER if one in both)

    def _take_commands(self, word: str) -> None:
        if word in _EVERYTHING.values():
            self.base, self.commands = word, []
            return
        name = word[1:]
        before = [one for one in self.commands if not f"{one[1:]}|".startswith(f"{name}|")]
        self.commands = [*before, word]

    def words(self) -> list[str]:
        """In the order of ``ACL LIST``."""
        keys = [
            f"~{pattern}" if mode == _EITHER else f"%{mode}~{pattern}"
            for pattern, mode in self.keys.items()
        ]
        channels = self.channels
        shown = [] if channels is None else channels
        if channels is not None and channels != [_ALL_CHANNELS]:
            shown = ["resetchannels", *channels]
        databases = [] if self.databases is None else [self.databases]
        return [*keys, *shown, *databases, self.base, *self.commands]


def printed_access_string(text: str) -> str:
    """A string that is valid by the grammar, as ``DescribeUsers`` shows it."""
    state, unchecked = "off", False
    own = _Permissions()
    selectors: list[_Permissions] = []
    for word in _WORD.findall(text):
        if word in ("on", "off"):
            state = word
        elif word in ("skip-sanitize-payload", "sanitize-payload"):
            unchecked = word.startswith("skip")
        elif word == "clearselectors":
            selectors = []
        elif word.startswith("("):
            selectors.append(_Permissions())
            for inner in word[1:-1].split():
                selectors[-1].take(inner)
        else:
            own.take(word)
    flags = [state, "skip-sanitize-payload"] if unchecked else [state]
    return " ".join((*flags, *own.words(), *(f"({' '.join(s.words())})" for s in selectors)))
