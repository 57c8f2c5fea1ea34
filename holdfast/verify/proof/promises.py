"""Every promise, and the runs and tests that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.verify.record import Kind

LOCAL: Final = "local"
KUBERNETES: Final = "kubernetes"
AWS: Final = "aws"
BOTH: Final = (LOCAL, KUBERNETES)
ALL: Final = (*BOTH, AWS)


@dataclass(frozen=True, slots=True)
class Run:
    """What is run to show a promise.

    Attributes:
        kind: a drill, a rotation, ...
        name: which.
        targets: where it is to be run.
    """

    kind: Kind
    name: str
    targets: tuple[str, ...] = BOTH


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise.

    Attributes:
        text: in a sentence.
        runs: each of them has to be seen, on each of its targets.
        tests: of the project's suites, as pytest names them, which show it too.
        missing: what is not there yet, in words.
    """

    text: str
    runs: tuple[Run, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str = ""


def _drills(*names: str, targets: tuple[str, ...] = BOTH) -> tuple[Run, ...]:
    return tuple(Run(Kind.DRILL, name, targets) for name in names)


_ON_LOCAL: Final = (LOCAL,)
_ON_KUBERNETES: Final = (KUBERNETES,)
_ON_AWS: Final = (AWS,)

PROMISES: Final = (
    Promise(
        "A retried turn is stored once",
        _drills("lost-replies", targets=ALL),
        (
            "tests/local/test_guards.py::"
            "test_without_the_turn_id_the_lost_replies_drill_finds_turns_stored_twice",
        ),
    ),
    Promise(
        "A planned failover loses nothing and pauses writers about a second",
        _drills("planned-failover")
        + _drills("pod-deleted", "node-drained", "rolling-update", targets=_ON_KUBERNETES),
    ),
    Promise(
        "Where a service fails the store over, clients follow its names, no turn is stored twice, "
        "none that a replica confirmed is lost, and all others are counted",
        _drills("planned-failover", targets=_ON_AWS),
        (
            "tests/aws/test_stack_drills.py::"
            "test_a_failover_moves_the_primarys_name_and_clients_follow_it",
            "tests/aws/test_stack_drills.py::"
            "test_a_shard_of_a_cluster_fails_over_and_clients_follow_its_slots",
        ),
    ),
    Promise(
        "An unplanned failover: writers resume soon, lost turns are counted and bounded, and none "
        "that a replica confirmed is lost",
        _drills("kill-primary", "freeze-primary", "sentinel-lost", "replicas-frozen")
        + _drills("primary-alone", targets=_ON_LOCAL)
        + _drills("node-cut", "node-lost", "sentinel-cut", targets=_ON_KUBERNETES),
        (
            "tests/local/test_guards.py::"
            "test_without_min_replicas_a_lonely_primary_loses_all_that_it_acknowledged",
        ),
    ),
    Promise(
        "No stale or empty server is ever promoted; a full stop comes back with the data",
        _drills("cold-start", "primary-reborn-empty", targets=_ON_LOCAL)
        + _drills("every-pod-deleted", "volume-lost", targets=_ON_KUBERNETES),
        (
            "tests/local/test_guards.py::"
            "test_without_the_gate_a_stale_replica_is_promoted_and_costs_turns",
        ),
    ),
    Promise(
        "Silent DNS does not stop a failover",
        _drills("silent-dns", targets=_ON_KUBERNETES),
    ),
    Promise(
        "Credentials and certificates rotate with no failed request and no restarted pod but the "
        "Sentinels', one at a time",
        tuple(Run(Kind.ROTATION, name) for name in ("passwords", "certificates", "ca")),
        (
            "tests/local/test_rotation.py::"
            "test_passwords_rotate_under_traffic_although_interrupted_and_held_up",
            "tests/local/test_rotation.py::"
            "test_certificates_rotate_under_traffic_and_only_sentinels_restart",
            "tests/local/test_rotation.py::"
            "test_the_ca_rotates_under_traffic_and_the_old_one_is_worth_nothing_then",
        ),
    ),
    Promise(
        "Where a service runs the servers, the passwords of applications rotate with no failed "
        "request, and none is dropped while it is in use",
        tuple(Run(Kind.ROTATION, name, _ON_AWS) for name in ("passwords", "some passwords")),
        (
            "tests/aws/test_stack_rotation.py::"
            "test_all_passwords_rotate_unnoticed_although_interrupted_and_held_up",
            "tests/aws/test_stack_rotation.py::"
            "test_the_password_of_one_role_rotates_unnoticed_and_no_others",
        ),
    ),
    Promise(
        "A change of the store while it serves loses nothing",
        tuple(
            Run(Kind.CHANGE, name, _ON_KUBERNETES)
            for name in ("version upgrade", "resources", "volume growth", "five Sentinels")
        ),
    ),
    Promise(
        "A store in a cluster is up and proven in under 90 s where the images are there, and its "
        "agents cost next to nothing",
        tuple(
            Run(Kind.CHANGE, name, _ON_KUBERNETES)
            for name in ("from nothing to proven", "agent at rest")
        ),
    ),
    Promise(
        "Nobody gets in without TLS, a password, or the right key prefix",
        (Run(Kind.SMOKE, "smoke", ALL),),
        ("tests/local/test_smoke_broken.py", "tests/local/test_acl_servers.py"),
    ),
    Promise(
        "A server at its memory limit rewrites its file and is not killed for it",
        _drills("memory-full", targets=_ON_KUBERNETES),
    ),
    Promise(
        "Under memory pressure no torn session is served and no key without TTL grows",
        tests=(
            "tests/local/store/test_store_turns.py::"
            "test_a_session_whose_list_is_shorter_than_it_should_be_is_torn",
            "tests/local/store/test_store_turns.py::test_a_session_that_lost_a_key_is_torn",
        ),
        missing="an eviction run",
    ),
    Promise(
        "A turn reaches PostgreSQL exactly once",
        missing="consolidation is not built yet",
    ),
    Promise(
        "A change that would replace or empty the store does not pass CI",
        tests=(
            "tests/unit/verify/test_plan_guard.py::"
            "test_a_recorded_plan_that_harms_is_refused_by_name",
            "tests/local/test_preview_guard.py::"
            "test_plans_of_the_engine_are_judged_as_the_recorded_ones",
            "tests/unit/verify/test_plan_aws.py::"
            "test_a_recorded_plan_is_judged_by_what_it_would_do",
            "tests/aws/test_policy_and_guard.py::"
            "test_an_emulated_store_holds_to_the_policies_and_its_changes_to_the_guard",
        ),
    ),
)
