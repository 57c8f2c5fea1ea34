"""Which commands a script calls: as much of the shell's grammar as the scripts of the pods use."""

from __future__ import annotations

import re
from typing import Final

_COMMENT: Final = re.compile(r"(?m)(?:^|(?<=\s))#[! ].*$")
_HERE_TEXT: Final = re.compile(r"(?ms)<<(\w+)$.*?^\1$")
_EXPANSION: Final = r"\\.|\$\(\(.*?\)\)|\$\{(?:[^{}]|\$\{[^{}]*\})*\}"
_PIECE: Final = re.compile(rf"'[^']*'|{_EXPANSION}|[^\s;|&()<>'\"]", re.DOTALL)
_QUOTED_PIECE: Final = re.compile(rf"{_EXPANSION}|[^\"]", re.DOTALL)
_BLANK: Final = re.compile(r"[ \t]+|\\\n")
_COPY: Final = re.compile(r"\d*[<>]&[\d-]+")
_REDIRECTION: Final = re.compile(r"\d*[<>]+[ \t]*")
_STOP: Final = re.compile(r"[\n;|&()]")
_BETWEEN_PATTERNS: Final = re.compile(r"[\s|]+")
_ASSIGNMENT: Final = re.compile(r"\w+=")
_FUNCTION: Final = re.compile(r"(?m)^(\w+)\(\)")
_NAME: Final = re.compile(r"[a-z][\w-]*")
_BEFORE_A_COMMAND: Final = re.compile(r"[!{}]|do(ne)?|el(if|se)|esac|exec|fi|if|then|until|while")
_BUILTIN: Final = re.compile(
    r"break|case|command|continue|echo|eval|exit|export|for|kill|printf|read|return|set|shift|trap|"
    r"true|umask|wait"
)


def programs(*scripts: str) -> set[str]:
    """The programs that scripts call by name, their shell's own commands and functions left out."""
    functions = {name for script in scripts for name in _FUNCTION.findall(script)}
    called: set[str] = set()
    for script in scripts:
        called |= _Script(script).calls
    named = {call for call in called if _NAME.fullmatch(call) and not _BUILTIN.fullmatch(call)}
    return named - functions


class _Script:
    """Reads a script from left to right, and notes the first word of each command."""

    def __init__(self, text: str) -> None:
        self._text = _HERE_TEXT.sub("", _COMMENT.sub("", text))
        self._at = 0
        self.calls: set[str] = set()
        self._commands("")

    def _commands(self, end: str) -> None:
        first, of_case = True, False
        while self._at < len(self._text):
            if end and self._literal(end):
                return
            if self._match(_BLANK) or self._match(_COPY):
                continue
            if self._match(_REDIRECTION):
                self._word()
            elif self._literal(";;"):
                self._patterns()
                first = True
            elif self._match(_STOP):
                first = True
            else:
                word = self._word()
                if first and not _BEFORE_A_COMMAND.fullmatch(word) and not _ASSIGNMENT.match(word):
                    self.calls.add(word)
                    first, of_case = False, word == "case"
                elif of_case and word == "in":
                    self._patterns()
                    first, of_case = True, False

    def _patterns(self) -> None:
        self._match(_BETWEEN_PATTERNS)
        while not self._text.startswith("esac", self._at) and not self._literal(")"):
            self._word()
            self._match(_BETWEEN_PATTERNS)

    def _word(self) -> str:
        start = self._at
        while self._substitution() or self._quoted() or self._match(_PIECE):
            pass
        assert self._at > start, f"not understood: {self._text[start : start + 40]!r}"
        return self._text[start : self._at]

    def _quoted(self) -> bool:
        if not self._literal('"'):
            return False
        while not self._literal('"'):
            assert self._substitution() or self._match(_QUOTED_PIECE)
        return True

    def _substitution(self) -> bool:
        if self._text.startswith("$((", self._at) or not self._literal("$("):
            return False
        self._commands(")")
        return True

    def _literal(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _match(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found is not None
