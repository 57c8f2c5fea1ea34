"""Every way in which stores of this kind are known to fail on Kubernetes, and what covers it.

The numbers are those of the survey that the Kubernetes target was designed from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_AGENT: Final = "tests/unit/k8s/test_scripts_agent.py::"
_START: Final = "tests/unit/k8s/test_scripts_start_valkey.py::"
_SENTINEL: Final = "tests/unit/k8s/test_scripts_start_sentinel.py::"
_PRESTOP: Final = "tests/unit/k8s/test_scripts_prestop.py::"
_PROBE: Final = "tests/unit/k8s/test_scripts_probe.py::"
_SHAPE: Final = "tests/unit/k8s/test_scripts_shape.py::"
_COMPONENT: Final = "tests/unit/components/test_kubernetes.py::"
_GUARDS: Final = "tests/local/test_guards.py::"
_CLUSTER_GUARDS: Final = "tests/cluster/test_guards.py::"
_CLUSTER_ROTATION: Final = "tests/cluster/test_rotation.py::"
_CLUSTER_CHANGES: Final = "tests/cluster/test_changes.py::"
_STACK: Final = "tests/local/test_drills_stack.py::"
_FAKE: Final = "every branch of the script under a fake valkey-cli, not with real servers"


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail.

    Attributes:
        number: 1 to 27.
        text: what happens, in a sentence.
        drills: that make it happen on a real store.
        tests: of the project's suites, as pytest names them.
        missing: why what is there does not show all of it; empty where it does.
    """

    number: int
    text: str
    drills: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str = ""

    @property
    def covered(self) -> bool:
        """Whether anything shows it."""
        return bool(self.drills or self.tests)


FAILURES: Final = (
    Failure(
        1,
        "A primary restarts empty before anybody calls it down, and its replicas copy nothing",
        ("primary-reborn-empty", "volume-lost"),
        (
            _STACK + "test_neither_a_stale_nor_an_empty_server_costs_the_others_their_data",
            _START + "test_an_emptied_primary_asks_for_a_failover_and_follows_who_takes_over",
        ),
    ),
    Failure(
        2,
        "After a full stop a stale replica answers first and is promoted",
        ("cold-start", "every-pod-deleted"),
        (
            _GUARDS + "test_without_the_gate_a_stale_replica_is_promoted_and_costs_turns",
            _AGENT + "test_a_replica_out_of_step_stays_gated_and_is_not_remembered",
        ),
    ),
    Failure(
        3,
        "Pods that reach no Sentinel each make themselves the primary",
        tests=(
            _START + "test_on_the_first_start_without_sentinels_the_others_follow_node_0",
            _START + "test_without_sentinels_a_node_follows_the_last_primary_it_knew",
            _START + "test_without_sentinels_two_primaries_are_no_answer",
        ),
        missing=_FAKE,
    ),
    Failure(
        4,
        "The named primary is itself a replica, and everybody waits for ever",
        tests=(
            _START + "test_a_named_node_that_stays_no_primary_is_followed_after_a_minute",
            _AGENT + "test_after_the_grace_a_replica_may_be_chosen_by_how_fresh_it_is",
            _AGENT + "test_only_the_freshest_asks_for_the_failover",
        ),
        missing=_FAKE,
    ),
    Failure(
        5,
        "In a planned failover the old primary goes on acknowledging what is thrown away",
        ("planned-failover", "pod-deleted"),
        (
            "tests/local/test_drills.py::test_a_planned_failover_loses_nothing",
            _CLUSTER_GUARDS
            + "test_without_the_hand_over_before_a_stop_a_deleted_primary_is_missed_for_long",
        ),
    ),
    Failure(
        6,
        "A stopping pod takes its own Sentinel down before the hand-over",
        ("pod-deleted", "node-drained"),
        (_COMPONENT + "test_a_store_has_exactly_its_children",),
    ),
    Failure(
        7,
        "A hand-over takes an empty answer for success",
        tests=(
            _PRESTOP + "test_an_ok_alone_is_no_handover",
            _PRESTOP + "test_one_sentinel_that_names_another_is_no_handover",
            _PRESTOP + "test_silent_sentinels_do_not_hold_the_stop_up_for_longer_than_the_grace",
            _PRESTOP + "test_slow_answers_do_not_hold_the_stop_up_for_longer_than_the_grace",
        ),
        missing=_FAKE,
    ),
    Failure(
        8,
        "A primary that is cut off goes on taking writes",
        ("primary-alone", "node-cut"),
        (_GUARDS + "test_without_min_replicas_a_lonely_primary_loses_all_that_it_acknowledged",),
    ),
    Failure(
        9,
        "Slow DNS freezes servers and puts Sentinels into TILT",
        ("silent-dns",),
        (
            _COMPONENT + "test_every_announced_name_is_pinned_to_its_services_address_in_every_pod",
            _CLUSTER_GUARDS
            + "test_without_pinned_names_a_silent_dns_keeps_the_store_from_failing_over",
            "tests/unit/k8s/test_workloads.py::test_names_are_pinned_and_what_is_not_is_asked_once",
        ),
    ),
    Failure(
        10,
        "Sentinels remember replicas and Sentinels that are no more, or another store's",
        ("every-pod-deleted",),
        (
            "tests/unit/k8s/test_names.py::test_two_stores_in_one_namespace_never_meet",
            "tests/unit/k8s/test_names.py::"
            "test_ids_of_sentinels_are_forty_hex_digits_and_differ_by_pod_store_and_namespace",
            _SENTINEL + "test_a_lost_volume_asks_the_other_sentinels_who_is_primary",
            _SENTINEL + "test_what_the_store_no_longer_has_is_forgotten_and_what_it_has_is_kept",
        ),
    ),
    Failure(
        11,
        "SENTINEL RESET, run by a machine, forgets replicas during a failover",
        tests=(
            _SHAPE + "test_nothing_forgets_what_the_sentinels_know_or_skips_a_certificate_check",
        ),
    ),
    Failure(
        12,
        "Sentinels talk plain text to servers that speak TLS",
        ("kill-primary",),
        (
            "tests/unit/k8s/test_templates.py::test_a_sentinel_is_told_everything_it_needs_once",
            "tests/local/test_smoke_broken.py::test_plain_text_is_found",
        ),
    ),
    Failure(
        13,
        "After a failover clients meet a certificate that does not hold the announced name",
        ("kill-primary",),
        (
            "tests/unit/k8s/test_names.py::"
            "test_a_certificate_is_good_for_every_way_to_say_a_pods_name",
            "tests/local/test_transport.py::"
            "test_a_name_is_verified_while_its_mapped_address_is_dialled",
        ),
    ),
    Failure(
        14,
        "Probes and scripts skip the check of the certificate",
        tests=(
            _SHAPE + "test_nothing_forgets_what_the_sentinels_know_or_skips_a_certificate_check",
            _PROBE + "test_a_probe_logs_in_as_probe_on_the_port_of_its_kind",
        ),
    ),
    Failure(
        15,
        "The old certificate is served after its renewal",
        tests=(
            _AGENT + "test_the_certificate_is_loaded_once_and_proved_by_its_serial",
            _AGENT + "test_a_certificate_that_is_not_served_is_tried_again_and_told",
            _CLUSTER_ROTATION + "test_certificates_are_issued_anew_unnoticed",
            "tests/local/test_rotation_nodes.py::"
            "test_certificates_are_proved_by_serial_and_by_the_newest_ca_alone",
        ),
    ),
    Failure(
        16,
        "Users differ from node to node, as no server replicates them",
        tests=(
            _AGENT + "test_changed_users_are_loaded_and_the_revision_is_read_back",
            _CLUSTER_ROTATION + "test_every_password_is_rotated_unnoticed",
            "tests/local/test_rotation_nodes.py::"
            "test_one_node_that_was_not_told_fails_the_proof_by_its_address",
        ),
    ),
    Failure(
        17,
        "A failover lacks a permission that a new version asks for",
        ("planned-failover", "kill-primary"),
        (
            "tests/local/test_acl_servers.py::"
            "test_a_sentinel_store_forms_and_its_acl_logs_stay_empty",
        ),
    ),
    Failure(
        18,
        "A server cannot rewrite a configuration that is mounted read-only",
        ("planned-failover",),
        (
            _START + "test_the_config_is_filled_in_for_the_owner_alone",
            _SENTINEL + "test_a_later_start_keeps_the_primary_and_renews_the_settings",
        ),
    ),
    Failure(
        19,
        "The liveness probe kills a server that loads its data",
        tests=(
            _PROBE + "test_a_server_that_has_something_to_do_is_alive",
            "tests/unit/k8s/test_workloads.py::"
            "test_probes_ask_the_script_and_leave_a_large_file_ten_minutes",
        ),
        missing="a file so large that loading outlasts the probes is not loaded on a cluster here",
    ),
    Failure(
        20,
        "A primary loads for minutes and nobody takes over",
        tests=(
            "tests/unit/k8s/test_templates.py::test_a_sentinel_is_told_everything_it_needs_once",
        ),
        missing="a file that takes minutes to load is not loaded here",
    ),
    Failure(
        21,
        "Under heavy writing a replica never gets through its first sync",
        tests=(
            "tests/unit/k8s/test_memory.py::"
            "test_the_limit_holds_what_a_replica_lags_behind_and_maxmemory_the_backlog",
        ),
        missing="writing faster than a sync takes more than the two cores of the test machines",
    ),
    Failure(
        22,
        "The kernel kills a server whose memory limit is its maxmemory",
        ("memory-full",),
        (
            "tests/unit/k8s/test_memory.py::"
            "test_a_limit_that_would_get_the_server_killed_is_refused_with_one_that_would_not",
        ),
    ),
    Failure(
        23,
        "A policy closes the port of the DNS",
        tests=(
            "tests/unit/k8s/test_policies.py::"
            "test_pods_reach_each_other_and_the_dns_over_both_protocols",
        ),
        missing="a closed port is not tried; that the open one is enough, every cluster run shows",
    ),
    Failure(
        24,
        "Writes go to a replica, through a Service that selects every pod",
        tests=(
            "tests/unit/k8s/test_services.py::"
            "test_no_service_with_an_address_has_several_pods_behind_it",
        ),
    ),
    Failure(
        25,
        "Growing a volume replaces the StatefulSet",
        tests=(
            _COMPONENT + "test_a_grown_volume_never_replaces_a_set_and_a_rollout_has_time",
            _CLUSTER_CHANGES + "test_volumes_grow_through_their_claims_and_nothing_restarts",
            "tests/unit/components/test_kubernetes_factory.py::"
            "test_claims_that_exist_and_are_too_small_are_grown_before_the_pods_change",
        ),
    ),
    Failure(
        26,
        "The first pod waits for Sentinels that wait for the first pod",
        ("every-pod-deleted",),
        (
            "tests/unit/k8s/test_workloads.py::"
            "test_a_set_has_three_pods_that_start_together_and_keep_their_volumes",
            "tests/unit/k8s/test_services.py::"
            "test_pods_are_found_before_they_are_ready_and_nobody_waits_for_them",
        ),
    ),
    Failure(
        27,
        "A node is lost and its pod stays Terminating",
        ("node-lost",),
    ),
)
