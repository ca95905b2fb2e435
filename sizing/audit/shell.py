"""Splits shell text into commands and words as a POSIX shell does, keeping where each word stood.

Own code because the kept splitters lose what an audit needs: the standard library's `shlex` drops the
difference between quoted and bare text and takes a `#` inside a word for a comment, others are not free for
every use. Redirections are dropped, substitutions `$(…)` are kept as they stand.
"""

import re
from dataclasses import dataclass, field

from sizing.audit.expansion import Expansion, expansion_at

# A key someone masked or left for the reader, `<token>`, `<your key>` or `{{ key }}`: a word, no redirection.
_PLACEHOLDER = re.compile(r"<[A-Za-z][^<>\n|;&]*>|\{\{[^{}\n]*\}\}")
_OPERATOR = re.compile(r"&&|\|\||;;|\|&|[;&|()\n]")
_REDIRECTION = re.compile(r"&>>?|<<<|<<-?|>>|>&|>\||<&|<>|[<>]")
_BLANK = " \t"
_DOUBLE_QUOTE_ESCAPES = '$`"\\\n'


@dataclass(frozen=True)
class Word:
    """One word, quotes removed. `line` and `column` count from 1."""

    text: str
    line: int
    column: int
    quoted: bool = False


@dataclass(frozen=True)
class Command:
    """The words of one simple command and the operator that ended it."""

    words: tuple[Word, ...]
    ended_by: str


class UnterminatedQuoteError(ValueError):
    """A quote that never closes; carries where it opened."""

    def __init__(self, quote: str, line: int, column: int) -> None:
        super().__init__(f"the quote {quote} is never closed")
        self.line, self.column = line, column


@dataclass
class _Lexer:
    text: str
    compose: bool
    lenient: bool
    position: int = 0
    shift: int = 0  # characters that defaults added before `position`
    commands: list[Command] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    current: list[str] | None = None
    quoted: bool = False
    started: int = 0
    skip_next: bool = False
    unterminated: bool = False

    def run(self) -> list[Command]:
        """Reads everything."""
        while self.position < len(self.text):
            self._step()
        self._end_command("")
        return self.commands

    def _step(self) -> None:
        character = self.text[self.position]
        quoting = {"\\": self._escape, "'": self._single_quoted, '"': self._double_quoted}
        expanding = {} if self.compose else {"$": self._dollar, "`": self._backtick}
        handle = quoting.get(character) or expanding.get(character)
        if handle is not None:
            handle()
        elif character in _BLANK or (self.compose and character == "\n"):
            self._end_word()
            self.position += 1
        elif character == "#" and not self.compose and self.current is None:
            end = self.text.find("\n", self.position)
            self.position = len(self.text) if end < 0 else end
        elif placeholder := _PLACEHOLDER.match(self.text, self.position):
            self._add(placeholder.group())
            self.position = placeholder.end()
        elif redirection := _REDIRECTION.match(self.text, self.position):
            self._redirect(redirection)
        elif operator := _OPERATOR.match(self.text, self.position):
            self._end_command(operator.group())
            self.position = operator.end()
        else:
            self._add(character)
            self.position += 1

    def _add(self, text: str) -> None:
        if self.current is None:
            self.current, self.started, self.quoted = [], self.position - self.shift, False
        self.current.append(text)

    def _end_word(self) -> None:
        if self.current is None:
            return
        if self.skip_next:
            self.skip_next = False
        else:
            before = self.original[: self.started]
            line = before.count("\n") + 1
            self.words.append(Word("".join(self.current), line, self.started - before.rfind("\n"), self.quoted))
        self.current = None

    def _end_command(self, operator: str) -> None:
        self._end_word()
        self.skip_next = False
        if self.words or operator not in {"", "\n"}:
            self.commands.append(Command(tuple(self.words), operator))
        self.words = []

    def __post_init__(self) -> None:
        self.original = self.text

    def _escape(self) -> None:
        following = self.text[self.position + 1 : self.position + 2]
        if self.compose or following != "\n":  # compose keeps an escaped line end as a word
            self._add(following)
        self.position += 2

    def _unclosed(self, quote: str) -> None:
        before = self.original[: self.position - self.shift]
        if not self.lenient:
            raise UnterminatedQuoteError(quote, before.count("\n") + 1, len(before) - before.rfind("\n"))
        self.unterminated = True

    def _single_quoted(self) -> None:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            self._unclosed("'")
            end = len(self.text)
        self._add(self.text[self.position + 1 : end])
        self.quoted = True
        self.position = end + 1

    def _double_quoted(self) -> None:
        opened = self.position
        self._add("")
        self.quoted = True
        self.position += 1
        while self.position < len(self.text) and self.text[self.position] != '"':
            character = self.text[self.position]
            if character == "\\" and self.text[self.position + 1 : self.position + 2] in _DOUBLE_QUOTE_ESCAPES:
                self._add(self.text[self.position + 1 : self.position + 2].replace("\n", ""))
                self.position += 2
            elif character == "$" and not self.compose and (found := expansion_at(self.text, self.position)):
                self._add(_inside_quotes(found))
                self.position = found.end
            else:
                self._add(character)
                self.position += 1
        if self.position >= len(self.text):
            self.position = opened
            self._unclosed('"')
            self.position = len(self.text)
        self.position += 1

    def _dollar(self) -> None:
        if self.text[self.position + 1 : self.position + 2] in {"'", '"'}:  # $'…' and $"…"
            self.position += 1
            return
        found = expansion_at(self.text, self.position)
        if found is None:
            self._add("$")
            self.position += 1
        elif found.raw is None:
            self._add(found.literal)
            self.position = found.end
        else:  # a bare default is read on as if it stood here, so it may be several words or none
            self.shift += len(found.raw) - (found.end - self.position)
            self.text = self.text[: self.position] + found.raw + self.text[found.end :]

    def _backtick(self) -> None:
        end = self.text.find("`", self.position + 1)
        end = len(self.text) if end < 0 else end + 1
        self._add(self.text[self.position : end])
        self.position = end

    def _redirect(self, match: re.Match[str]) -> None:
        if self.current is not None and "".join(self.current).isdigit() and not self.quoted:
            self.current = None  # the 2 of `2>`
        self._end_word()
        self.skip_next = True
        self.position = match.end()


def _inside_quotes(found: Expansion) -> str:
    if found.raw is None:
        return found.literal
    text, out, position = found.raw, [], 0
    while position < len(text):
        nested = expansion_at(text, position) if text[position] == "$" else None
        if nested is not None:
            out.append(_inside_quotes(nested))
            position = nested.end
        else:
            out.append("" if text[position] == '"' else text[position])
            position += 1
    return "".join(out)


def commands(text: str, *, lenient: bool = False) -> list[Command]:
    """The commands of a shell script. Raises UnterminatedQuoteError unless `lenient`."""
    return _Lexer(text, compose=False, lenient=lenient).run()


def compose_words(text: str) -> tuple[list[str], bool]:
    """A compose string split into arguments, and whether a quote in it never closes.

    Compose interpolates before it splits, knows no comments here, and stops at an unquoted `;`, `&` or `|`.
    """
    lexer = _Lexer(text, compose=True, lenient=True)
    found = lexer.run()
    return [word.text for word in found[0].words] if found else [], lexer.unterminated
