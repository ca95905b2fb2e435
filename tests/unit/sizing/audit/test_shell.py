"""Shell text is split as a shell splits it."""

import pytest

from sizing.audit.expansion import interpolated
from sizing.audit.shell import UnterminatedQuoteError, commands, compose_words


def words(text: str) -> list[list[str]]:
    return [[word.text for word in command.words] for command in commands(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d e\"f", [["a", "b c", "d ef"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a b\\\n  c", [["a", "b", "c"]]),
        ("a b\n  --c", [["a", "b"], ["--c"]]),
        ("a # comment\nb#c", [["a"], ["b#c"]]),
        ("a && b | c; d &", [["a"], ["b"], ["c"], ["d"]]),
        ("a 2>&1 > out &>> log b", [["a", "b"]]),
        ("a <token> --key=<your key> < file", [["a", "<token>", "--key=<your key>"]]),
        ('a "$B" ${C:-d e} "${F:-g h}"', [["a", "$B", "d", "e", "g h"]]),
        ("a ${P:---flag} ${Q:-} \"${R:-}\"", [["a", "--flag", ""]]),
        ("a ${S:-\"\"} ${T:+--x $T} ${U:?no} ${V%/} ${1:-9} \"${@:3}\"", [["a", "", "$U", "$V", "9", "$@"]]),
        ("a ${A:-${B:-c}}/${D}", [["a", "c/$D"]]),
        ("a '${B:-c}' \\$D", [["a", "${B:-c}", "$D"]]),
        ("a $(pwd)/x `id -u`:1", [["a", "$(pwd)/x", "`id -u`:1"]]),
        ("a '{\"b\":\"<\\think>\"}'", [["a", '{"b":"<\\think>"}']]),
        ('a "{\\"b\\": 1}"', [["a", '{"b": 1}']]),
    ],
)  # fmt: skip
def test_words(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


def test_an_open_quote_is_named_with_its_place() -> None:
    with pytest.raises(UnterminatedQuoteError) as caught:
        commands("a b\n  c 'd e")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_words_know_where_they_stood() -> None:
    (command,) = commands("a \\\n   --b ${C:-long default} d")
    assert [(word.line, word.column) for word in command.words[:2]] == [(1, 1), (2, 4)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--a 'b c' \"d\"", ["--a", "b c", "d"]),
        ("--a\n  --b # c", ["--a", "--b", "#", "c"]),
        ("--a b \\\n --c", ["--a", "b", "\n", "--c"]),
        ("--a b \\ --c", ["--a", "b", " --c"]),
        ("--a $B", ["--a", "$B"]),
        ("--a b ; --c", ["--a", "b"]),
    ],
)
def test_compose_strings(text: str, expected: list[str]) -> None:
    assert compose_words(text) == (expected, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A:-b}", "b"), ("${A-b}", "b"), ("${A:-}", ""), ("${A:?must}", "$A"), ("$A", "$A"), ("$$A", "$A"),
        ("${A:+--x ${A}}", ""), ("${A:-${B:-c}}", "c"), ("${A:-${B}/c}", "$B/c"), ('{"n":${N:-5}}', '{"n":5}'),
        ("a$", "a$"), ("$(pwd)", "$(pwd)"), ("${A:---flag v}", "--flag v"),
    ],
)  # fmt: skip
def test_compose_interpolation(text: str, expected: str) -> None:
    assert interpolated(text) == expected
