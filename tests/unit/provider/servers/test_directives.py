"""provider.servers.directives: what two config lines have in common."""

from __future__ import annotations

import pytest

from provider.servers.directives import identity, lines_of, same_lines


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("masterauth x", "primaryauth y"),
        ("slaveof h 1", "REPLICAOF h 2"),
        ("min-slaves-to-write 1", "min-replicas-to-write 2"),
        ("client-output-buffer-limit slave 1 2 3", "client-output-buffer-limit replica 0 0 0"),
        ("sentinel down-after-milliseconds m 1", "sentinel DOWN-AFTER-MILLISECONDS m 2"),
        (
            "sentinel master-reboot-down-after-period m 1",
            "sentinel primary-reboot-down-after-period m 2",
        ),
        ("sentinel announce-ip 1.1.1.1", "sentinel announce-ip 2.2.2.2"),
    ],
)
def test_lines_that_set_the_same_thing_have_one_identity(one: str, other: str) -> None:
    assert identity(one.split()) == identity(other.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sentinel down-after-milliseconds a 1", "sentinel down-after-milliseconds b 1"),
        ("sentinel known-replica m h 1", "sentinel known-replica m h 2"),
        ("client-output-buffer-limit normal 0 0 0", "client-output-buffer-limit pubsub 0 0 0"),
        ("maxmemory 1", "maxmemory-policy noeviction"),
        ("user a on", "user b on"),
    ],
)
def test_lines_that_set_different_things_have_two(one: str, other: str) -> None:
    assert identity(one.split()) != identity(other.split())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["maxmemory 256mb"], ["maxmemory 268435456"]),
        (["maxmemory 1GB"], ["maxmemory 1024mb"]),
        (["maxmemory 1k"], ["maxmemory 1000"]),
        (["hash-max-listpack-value 1024"], ["hash-max-listpack-value 1kb"]),
        (["appendonly yes"], ["appendonly YES"]),
        (["masterauth s"], ["primaryauth s"]),
        (["save 3600 1 300 100"], ["save 3600 1", "save 300 100"]),
        (['save ""'], ['save ""']),
        (["client-output-buffer-limit slave 1mb 0 0"],
         ["client-output-buffer-limit replica 1048576 0 0"]),
        (["hz 10"], ["hz 20", "hz 10"]),
        (["sentinel parallel-syncs m 1"], []),
        (["sentinel down-after-milliseconds m 30000"], []),
    ],
)  # fmt: skip
def test_what_a_rewrite_changes_in_words_alone_means_the_same(
    wanted: list[str], found: list[str]
) -> None:
    assert same_lines(_lines(wanted), _lines(found))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["maxmemory 256mb"], ["maxmemory 256m"]),
        (["maxmemory 1"], []),
        (["primaryauth 10mb"], ["primaryauth 10485760"]),
        (["save 3600 1"], ['save ""']),
        (["sentinel parallel-syncs m 2"], []),
        (["sentinel auth-pass m 1"], []),
        (["tls-cert-file /A"], ["tls-cert-file /a"]),
    ],
)
def test_another_value_is_another_meaning(wanted: list[str], found: list[str]) -> None:
    assert not same_lines(_lines(wanted), _lines(found))


def _lines(texts: list[str]) -> list[tuple[str, ...]]:
    return [tuple(text.replace('""', "").split(" ")) for text in texts]


@pytest.mark.parametrize(
    ("name", "value", "lines"),
    [
        ("save", "", [("save", "")]),
        ("save", ["3600 1", "300 100"], [("save", "3600", "1"), ("save", "300", "100")]),
        ("tls-protocols", "TLSv1.2 TLSv1.3", [("tls-protocols", "TLSv1.2 TLSv1.3")]),
        ("primaryauth", 'a "b', [("primaryauth", 'a "b')]),
        ("sentinel auth-pass m", "a b", [("sentinel", "auth-pass", "m", "a b")]),
        ("sentinel monitor m", "h 1 2", [("sentinel", "monitor", "m", "h", "1", "2")]),
        ("sentinel monitor", "m h 1 2", [("sentinel", "monitor", "m", "h", "1", "2")]),
    ],
)
def test_a_value_is_one_word_unless_the_directive_takes_several(
    name: str, value: str | list[str], lines: list[tuple[str, ...]]
) -> None:
    assert list(lines_of(name, value)) == lines


def test_a_directive_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="name of a directive is empty"):
        lines_of("", "1")
