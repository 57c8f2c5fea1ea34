"""provider.servers.words: quoting as the server does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.servers.words import join, quote, split


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        ("  save  3600 1\t", ["save", "3600", "1"]),
        ('save ""', ["save", ""]),
        ('a "b c" d', ["a", "b c", "d"]),
        ("a 'b \\'c\\' \\n' d", ["a", "b 'c' \\n", "d"]),
        ('"\\x41\\n\\t\\"\\\\"', ['A\n\t"\\']),
        ('"\\xzz"', ["xzz"]),
        ('one"two three"', ["onetwo three"]),
        ("a\0b", ["a"]),
    ],
)
def test_a_line_splits_as_the_server_splits_it(line: str, words: list[str]) -> None:
    assert split(line) == words


@pytest.mark.parametrize("line", ['a "b', "a 'b", 'a "b"c', "a 'b'c", '"\\'])
def test_unbalanced_quotes_are_refused_without_showing_the_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"quote") as refusal:
        split(f"{line}hunter2")
    assert "hunter2" not in str(refusal.value)


@given(st.lists(st.text(st.characters(exclude_characters="\0"))))
def test_words_survive_a_round_trip(words: list[str]) -> None:
    kept = [word.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for word in words]
    assert split(join(kept)) == kept


@given(st.binary())
def test_any_bytes_survive_as_one_word(data: bytes) -> None:
    word = data.decode("utf-8", "surrogateescape")
    assert split(quote(word)) == [word]
    assert quote(word).isprintable()


@given(st.text())
def test_any_text_is_split_or_refused(line: str) -> None:
    line = line.encode("utf-8", "replace").decode()
    try:
        words = split(line)
    except ValueError:
        return
    assert split(join(words)) == words
