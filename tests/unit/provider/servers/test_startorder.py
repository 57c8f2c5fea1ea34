"""provider.servers.startorder: who starts as the primary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.connection import Address
from provider.servers.startorder import Decision, SentinelState, ServerState, decide
from tests.start_cases import START_CASES, StartCase

_A, _B, _C = (Address("127.0.0.1", port) for port in (7600, 7601, 7602))
_ELSEWHERE = Address("127.0.0.1", 7999)


def _server(address: Address, **fields: object) -> ServerState:
    state: dict[str, object] = {"holds_keys": True, "replicaof": _A, **fields}
    return ServerState(f"s{address.port}", address, **state)  # type: ignore[arg-type]


def _sentinels(*filed: tuple[Address, int], answers: int = 0) -> list[SentinelState]:
    return [
        SentinelState(f"t{n}", address if n < answers else None, address, epoch)
        for n, (address, epoch) in enumerate(filed)
    ]


def _chosen(decision: Decision) -> Address | None:
    return decision.primary.address if decision.primary else None


@pytest.mark.parametrize("case", START_CASES, ids=lambda case: case.name)
def test_only_who_may_be_primary_is_chosen(case: StartCase) -> None:
    nodes = (_A, _B, _C)
    servers = [
        _server(node, holds_keys=keys, running=running)
        for node, keys, running in zip(nodes, case.holds_keys, case.in_step, strict=True)
    ]
    sentinels = [
        SentinelState(f"t{n}", None if answer is None else nodes[answer])
        for n, answer in enumerate(case.answers)
    ]
    chosen = decide(servers, sentinels).primary
    assert chosen is not None
    assert servers.index(chosen) in case.primaries


def test_what_a_majority_of_the_sentinels_answers_counts_before_any_file() -> None:
    sentinels = [
        SentinelState("t0", _B, _A, 9),
        SentinelState("t1", _B, _A, 9),
        SentinelState("t2", None, _A, 9),
    ]
    servers = [_server(_A, replicaof=None), _server(_B), _server(_C)]
    assert _chosen(decide(servers, sentinels)) == _B


def test_one_sentinel_of_three_is_no_majority() -> None:
    sentinels = [SentinelState("t0", _B, _A, 1), *_sentinels((_A, 1), (_A, 1))]
    assert _chosen(decide([_server(_A, replicaof=None), _server(_B)], sentinels)) == _A


def test_the_newest_epoch_in_the_files_counts_when_no_sentinel_runs() -> None:
    servers = [_server(_A, replicaof=None), _server(_B), _server(_C)]
    assert _chosen(decide(servers, _sentinels((_A, 0), (_C, 2), (_B, 1)))) == _C


def test_without_sentinels_the_server_that_follows_nobody_is_primary() -> None:
    servers = [_server(_A), _server(_B, replicaof=None), _server(_C)]
    assert _chosen(decide(servers, [])) == _B


def test_of_two_that_follow_nobody_the_one_with_the_newer_data_is_primary() -> None:
    servers = [_server(_A, replicaof=None, changed=5.0), _server(_B, replicaof=None, changed=9.0)]
    assert _chosen(decide(servers, [])) == _B


def test_of_two_that_follow_nobody_the_running_one_is_primary() -> None:
    servers = [
        _server(_A, replicaof=None, changed=9.0),
        _server(_B, replicaof=None, changed=5.0, running=True),
    ]
    assert _chosen(decide(servers, [])) == _B


def test_where_all_follow_somebody_who_is_not_here_nobody_is_chosen() -> None:
    servers = [_server(_B, replicaof=_ELSEWHERE), _server(_C, replicaof=_ELSEWHERE)]
    assert decide(servers, []) == Decision(None)


def test_a_primary_that_is_no_member_any_more_is_passed_over() -> None:
    servers = [_server(_A, replicaof=None), _server(_B)]
    assert _chosen(decide(servers, _sentinels((_ELSEWHERE, 7)))) == _A


def test_an_emptied_primary_makes_way_for_the_freshest_server_with_keys() -> None:
    servers = [
        _server(_A, holds_keys=False, replicaof=None, changed=99.0),
        _server(_B, changed=3.0),
        _server(_C, changed=4.0),
    ]
    decision = decide(servers, _sentinels((_A, 1), (_A, 1), (_A, 1)))
    assert (_chosen(decision), decision.instead_of) == (_C, _A)
    assert decision.failover_by == ()


def test_running_sentinels_that_name_an_emptied_primary_have_to_fail_over() -> None:
    servers = [_server(_A, holds_keys=False, replicaof=None), _server(_B, running=True)]
    decision = decide(servers, _sentinels((_A, 1), (_A, 1), (_A, 1), answers=3))
    assert decision.failover_by == ("t0", "t1", "t2")


def _alone_ended(**fields: object) -> list[ServerState]:
    """The primary ended, both replicas went on."""
    return [
        _server(_A, replicaof=None, changed=9.0, **fields),
        _server(_B, running=True, changed=3.0),
        _server(_C, running=True, changed=4.0),
    ]


def test_running_sentinels_choose_where_the_primary_alone_ended() -> None:
    servers = _alone_ended()
    decision = decide(servers, _sentinels((_A, 1), (_A, 1), (_A, 1), answers=2))
    assert decision == Decision(servers[2], _A, ("t0", "t1"), otherwise=servers[0])


def test_a_primary_that_was_stopped_in_order_is_started_again() -> None:
    servers = _alone_ended(complete=True)
    decision = decide(servers, _sentinels((_A, 1), (_A, 1), (_A, 1), answers=3))
    assert decision == Decision(servers[0])


@pytest.mark.parametrize("answers", [0, 1])
def test_without_a_majority_of_sentinels_the_primary_that_ended_is_started_again(
    answers: int,
) -> None:
    servers = _alone_ended()
    decision = decide(servers, _sentinels((_A, 1), (_A, 1), (_A, 1), answers=answers))
    assert decision == Decision(servers[0])


def test_a_primary_without_replicas_is_started_again() -> None:
    servers = [_server(_A, replicaof=None)]
    assert decide(servers, _sentinels((_A, 1), answers=1)) == Decision(servers[0])


def test_an_emptied_primary_is_never_the_primary_where_the_sentinels_do_not_fail_over() -> None:
    servers = _alone_ended(holds_keys=False)
    assert decide(servers, _sentinels((_A, 1), (_A, 1), answers=2)).otherwise is None


def test_a_running_primary_is_never_passed_over_for_its_files() -> None:
    servers = [_server(_A, holds_keys=False, replicaof=None, running=True), _server(_B)]
    assert decide(servers, _sentinels((_A, 1))).instead_of is None


def test_where_nobody_has_keys_the_named_primary_stays() -> None:
    servers = [_server(_A, holds_keys=False, replicaof=None), _server(_B, holds_keys=False)]
    assert _chosen(decide(servers, _sentinels((_A, 0)))) == _A


def test_an_empty_group_has_no_primary() -> None:
    assert decide([], _sentinels((_A, 1))) == Decision(None)


_ADDRESSES = st.sampled_from([_A, _B, _C])
_SERVERS = st.lists(
    st.builds(
        ServerState,
        st.just("s"),
        _ADDRESSES,
        running=st.booleans(),
        holds_keys=st.booleans(),
        replicaof=st.none() | _ADDRESSES,
        changed=st.floats(0, 9),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda server: server.address,
)
_SENTINELS = st.lists(
    st.builds(
        SentinelState,
        st.just("t"),
        answer=st.none() | _ADDRESSES,
        filed=st.none() | _ADDRESSES,
        config_epoch=st.integers(0, 3),
    ),
    max_size=3,
)


@given(_SERVERS, _SENTINELS)
def test_a_stopped_server_without_keys_is_never_primary_while_another_has_some(
    servers: list[ServerState], sentinels: list[SentinelState]
) -> None:
    primary = decide(servers, sentinels).primary
    if primary and not primary.running and any(server.holds_keys for server in servers):
        assert primary.holds_keys


@given(_SERVERS, _SENTINELS)
def test_the_decision_does_not_depend_on_the_order_of_the_nodes(
    servers: list[ServerState], sentinels: list[SentinelState]
) -> None:
    servers = [ServerState(f"s{s.address.port}", *_rest(s)) for s in servers]
    assert decide(servers, sentinels).primary == decide(servers[::-1], sentinels).primary


def _rest(s: ServerState) -> tuple[Address, bool, bool, Address | None, float]:
    return s.address, s.running, s.holds_keys, s.replicaof, s.changed
