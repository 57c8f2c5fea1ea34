"""Which slots a shard holds and which move. Pure; ranges include both ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

SLOTS: Final = 16384
_FIRST_SLOT_FIELD: Final = 8
Range = tuple[int, int]


def even_shares(shards: Sequence[str]) -> dict[str, Range]:
    """Every shard's range, as ElastiCache spreads them: in order, equally."""
    share = SLOTS / len(shards)
    return {
        shard: (round(index * share), round((index + 1) * share) - 1)
        for index, shard in enumerate(shards)
    }


def own_ranges(nodes: str) -> list[Range]:
    """What CLUSTER NODES says of the node that was asked; slots under way are left out."""
    mine = next(line for line in nodes.splitlines() if "myself" in line.split()[2])
    return [
        (int(first), int(last or first))
        for word in mine.split()[_FIRST_SLOT_FIELD:]
        if not word.startswith("[")
        for first, _, last in [word.partition("-")]
    ]


def missing_ranges(share: Range, held: Iterable[Range]) -> list[Range]:
    """What of a share is not held."""
    return list(_ranges(set(range(share[0], share[1] + 1)) - _slots(held)))


def moves(
    held: Mapping[str, Sequence[Range]], wanted: Mapping[str, Range]
) -> list[tuple[str, str, list[Range]]]:
    """From which shard to which, and what."""
    found = []
    for source, ranges in held.items():
        mine = _slots(ranges)
        for target, (first, last) in wanted.items():
            passing = mine & set(range(first, last + 1))
            if target != source and passing:
                found.append((source, target, list(_ranges(passing))))
    return found


def _slots(ranges: Iterable[Range]) -> set[int]:
    return {slot for first, last in ranges for slot in range(first, last + 1)}


def _ranges(slots: Iterable[int]) -> Iterator[Range]:
    first = last = -2
    for slot in sorted(slots):
        if slot != last + 1:
            if first >= 0:
                yield first, last
            first = slot
        last = slot
    if first >= 0:
        yield first, last
