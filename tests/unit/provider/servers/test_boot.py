"""provider.servers.boot: how long a start waits for a failover, and what follows then."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.connection import Address
from holdfast.errors import StoreUnavailable
from provider.servers import boot, group
from provider.servers.admin import Access
from provider.servers.boot import TAKEOVER_SECONDS, Starter
from provider.servers.conffile import ConfFile
from provider.servers.datafolder import DataFolder
from provider.servers.group import Member
from provider.servers.health import Waiting
from provider.servers.process import Record
from provider.servers.spec import Kind, Layout
from provider.servers.startorder import Decision, SentinelState, ServerState

_OLD, _NEW = Address("127.0.0.1", 7600), Address("127.0.0.1", 7601)
_KEPT = ServerState("valkey-0", _OLD, holds_keys=True)
_HEIR = ServerState("valkey-1", _NEW, running=True, holds_keys=True)
_NAMES = ("sentinel-0", "sentinel-1")


class _Sentinels:
    """Sentinels that only pretend: what they answer to FAILOVER, and when they name the new one.

    Attributes:
        now: seconds, moved by whoever waits.
        asked: how often a failover was asked for.
    """

    def __init__(self, refusal: str, moves_at: float | None) -> None:
        self.refusal, self.moves_at = refusal, moves_at
        self.now, self.asked = 0.0, 0

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def request(self, _members: object) -> str:
        self.asked += 1
        return self.refusal

    def states(self, *_: object) -> list[SentinelState]:
        moved = self.moves_at is not None and self.now >= self.moves_at
        return [SentinelState(name, _NEW if moved else _OLD) for name in _NAMES]


def _member(name: str, folder: Path) -> Member:
    record = Record(
        owner="p/s",
        node=name,
        kind=Kind.SENTINEL,
        argv=(),
        address="127.0.0.1",
        port=7700,
        version="9.1.2",
        clustered=False,
    )
    return Member(
        Layout(folder / name, Kind.SENTINEL), record, None, ConfFile.parse(b""), DataFolder()
    )


def _fail_over(
    sentinels: _Sentinels,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    otherwise: ServerState | None,
) -> tuple[bool, list[str]]:
    monkeypatch.setattr(boot.Starter, "_request_failover", sentinels.request)
    monkeypatch.setattr(group, "sentinel_states", sentinels.states)
    warnings: list[str] = []
    starter = Starter(
        folder,
        ("p/s",),
        Access((), ""),
        Waiting(60, sentinels.pause, lambda: sentinels.now),
        warnings.append,
    )
    members = {name: _member(name, folder) for name in _NAMES}
    decision = Decision(_HEIR, instead_of=_OLD, failover_by=_NAMES, otherwise=otherwise)
    return starter._fail_over(members, decision), warnings


def test_a_failover_that_succeeds_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentinels = _Sentinels("", 3)
    assert _fail_over(sentinels, tmp_path, monkeypatch, _KEPT) == (True, [])
    assert (sentinels.asked, round(sentinels.now)) == (1, 3)


def test_a_primary_with_data_is_started_where_a_failover_comes_to_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentinels = _Sentinels("", None)
    moved, (warning,) = _fail_over(sentinels, tmp_path, monkeypatch, _KEPT)
    assert not moved
    assert round(sentinels.now) == TAKEOVER_SECONDS
    assert "valkey-0 is the primary again" in warning


def test_a_primary_with_data_is_started_at_once_where_the_sentinels_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentinels = _Sentinels("NOGOODSLAVE No suitable replica to promote", None)
    moved, (warning,) = _fail_over(sentinels, tmp_path, monkeypatch, _KEPT)
    assert (moved, sentinels.now) == (False, 0)
    assert "NOGOODSLAVE" in warning


def test_a_primary_without_data_is_refused_where_the_sentinels_insist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentinels = _Sentinels("NOGOODSLAVE No suitable replica to promote", None)
    with pytest.raises(StoreUnavailable, match="is empty while another server has data"):
        _fail_over(sentinels, tmp_path, monkeypatch, None)
    assert sentinels.asked > 1, "it is asked again while it is refused"
    assert round(sentinels.now) == 60
