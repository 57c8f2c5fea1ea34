from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.schema import Engine
from holdfast.roles import Place
from k8s.configuration import SCRIPTS, conf_map, scripts_map
from k8s.containers import ORDINAL_LABEL, environment
from k8s.environment import Variable
from k8s.names import labels, selector
from k8s.services import host_aliases
from k8s.spec import Object, StoreSpec
from k8s.workloads import stateful_set
from tests.unit.k8s.specs import config, spec

SCRIPTS_GIVEN = dict.fromkeys(SCRIPTS, "#!/bin/sh\n")
PLACES = list(Place)


def made(
    place: Place,
    store: StoreSpec | None = None,
    *,
    scripts: Mapping[str, str] = SCRIPTS_GIVEN,
    credentials: str | None = None,
) -> Object:
    store = store or spec()
    aliases = host_aliases(store, [f"10.0.0.{n}" for n in range(len(store.all_fqdns))])
    return stateful_set(
        store, place, scripts=scripts, host_aliases=aliases, credentials=credentials
    )


def pod(place: Place, store: StoreSpec | None = None) -> Any:  # noqa: ANN401 - part of a manifest
    return made(place, store)["spec"]["template"]["spec"]


def values(place: Place, store: StoreSpec | None = None) -> dict[str, str]:
    return {
        entry["name"]: entry["value"]
        for entry in environment(store or spec(), place)
        if "value" in entry
    }


@pytest.mark.parametrize(("place", "grace"), [(Place.SERVER, 120), (Place.SENTINEL, 10)])
def test_a_set_has_three_pods_that_start_together_and_keep_their_volumes(
    place: Place, grace: int
) -> None:
    found = made(place)
    body = found["spec"]
    assert (found["apiVersion"], found["kind"]) == ("apps/v1", "StatefulSet")
    assert found["metadata"]["name"] == f"agents-{place}"
    assert found["metadata"]["namespace"] == "prod"
    assert body["serviceName"] == f"agents-{place}-pods"
    assert body["replicas"] == 3
    assert body["podManagementPolicy"] == "Parallel"
    assert body["updateStrategy"] == {"type": "RollingUpdate"}
    assert body["minReadySeconds"] > 10
    assert body["persistentVolumeClaimRetentionPolicy"] == {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    }
    assert body["selector"] == {"matchLabels": selector(spec().names, place)}
    assert body["template"]["metadata"]["labels"] == labels(
        spec().names, engine="valkey", place=place
    )
    assert body["template"]["spec"]["terminationGracePeriodSeconds"] == grace


@pytest.mark.parametrize("place", PLACES)
def test_pods_are_restricted_and_know_nothing_of_the_cluster(place: Place) -> None:
    body = pod(place)
    assert body["automountServiceAccountToken"] is False
    assert body["enableServiceLinks"] is False
    assert body["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "runAsGroup": 999,
        "fsGroup": 999,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in body["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & body.keys()
    assert not any("hostPath" in volume for volume in body["volumes"])


@pytest.mark.parametrize("place", PLACES)
def test_every_container_has_its_memory_guaranteed_and_no_limit_on_cpu(place: Place) -> None:
    for container in pod(place)["containers"]:
        resources = container["resources"]
        assert resources["requests"]["memory"] == resources["limits"]["memory"]
        assert "cpu" in resources["requests"]
        assert "cpu" not in resources["limits"]


def test_a_server_has_an_agent_beside_it_and_hands_over_before_it_stops() -> None:
    server, agent = pod(Place.SERVER)["containers"]
    (sentinel,) = pod(Place.SENTINEL)["containers"]
    assert server["command"] == ["/bin/sh", "/scripts/start-valkey.sh"]
    assert server["lifecycle"]["preStop"]["exec"]["command"] == ["/bin/sh", "/scripts/prestop.sh"]
    assert agent["command"] == ["/bin/sh", "/scripts/agent.sh"]
    assert sentinel["command"] == ["/bin/sh", "/scripts/start-sentinel.sh"]
    assert "lifecycle" not in agent
    assert agent["livenessProbe"]["exec"]["command"] == ["/bin/sh", "/scripts/probe.sh", "agent"]
    # A Sentinel that asked for a failover while it stops would race the others.
    assert "lifecycle" not in sentinel


@pytest.mark.parametrize("place", PLACES)
def test_probes_ask_the_script_and_leave_a_large_file_ten_minutes(place: Place) -> None:
    container = pod(place)["containers"][0]
    for question in ("startup", "liveness", "readiness"):
        probe = container[f"{question}Probe"]
        assert probe["exec"]["command"] == ["/bin/sh", "/scripts/probe.sh", question]
        assert probe["timeoutSeconds"] == 5
    if place is Place.SERVER:
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] == 600


@pytest.mark.parametrize("place", PLACES)
def test_every_variable_is_set_once_in_every_container(place: Place) -> None:
    for container in pod(place)["containers"]:
        assert [entry["name"] for entry in container["env"]] == [v.value for v in Variable]
        fields = {
            entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"]
            for entry in container["env"]
            if "valueFrom" in entry
        }
        assert fields == {
            "HF_POD_NAME": "metadata.name",
            "HF_ORDINAL": f"metadata.labels['{ORDINAL_LABEL}']",
        }


def test_the_own_name_is_made_of_the_pods_name_which_is_set_before() -> None:
    order = [entry["name"] for entry in environment(spec(), Place.SERVER)]
    # The API server only knows variables that stand further up.
    assert order.index("HF_POD_NAME") < order.index("HF_NODE_FQDN")
    found = values(Place.SERVER)
    own = found["HF_NODE_FQDN"].replace("$(HF_POD_NAME)", "agents-server-1")
    assert own == found["HF_NODES"].split()[1]


def test_the_scripts_are_told_who_there_is_and_what_runs() -> None:
    found = values(Place.SENTINEL, spec(config=config(sentinels=5)))
    assert found["HF_KIND"] == "sentinel"
    assert found["HF_NODES"].split() == [
        f"agents-server-{n}.prod.svc.cluster.local" for n in range(3)
    ]
    assert found["HF_SENTINELS"].split() == [
        f"agents-sentinel-{n}.prod.svc.cluster.local" for n in range(5)
    ]
    assert len(set(found["HF_SENTINEL_IDS"].split())) == 5
    assert found["HF_QUORUM"] == "3"
    assert found["HF_SERVICE"] == "prod-agents"
    assert (found["HF_PORT"], found["HF_SENTINEL_PORT"]) == ("6379", "26379")
    assert (found["HF_ENGINE"], found["HF_ENGINE_VERSION"]) == ("valkey", "9.1.2")
    assert (found["HF_SERVER_PROGRAM"], found["HF_CLI"]) == ("valkey-server", "valkey-cli")
    redis = values(Place.SERVER, spec(config=config(engine=Engine.REDIS, version="8.0.0")))
    assert (redis["HF_SERVER_PROGRAM"], redis["HF_CLI"]) == ("redis-server", "redis-cli")


@pytest.mark.parametrize("place", PLACES)
def test_every_mount_has_its_volume_and_every_path_that_the_scripts_know(place: Place) -> None:
    found = made(place)["spec"]
    body = found["template"]["spec"]
    volumes = {volume["name"] for volume in body["volumes"]}
    claims = {claim["metadata"]["name"] for claim in found["volumeClaimTemplates"]}
    for container in body["containers"]:
        mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
        assert mounts.keys() == volumes | claims
        writable = {name for name, mount in mounts.items() if "readOnly" not in mount}
        assert writable == {"data", "run"}
        # A file that is mounted alone does not follow its Secret.
        assert not any("subPath" in mount for mount in mounts.values())
        told = values(place)
        paths = {value for name, value in told.items() if name.endswith("_DIR")}
        assert {mount["mountPath"] for mount in mounts.values()} == paths


@pytest.mark.parametrize("place", PLACES)
def test_volumes_are_the_stores_own_maps_and_secrets_of_that_kind(place: Place) -> None:
    volumes = {volume["name"]: volume for volume in pod(place)["volumes"]}
    scripts = scripts_map(spec(), SCRIPTS_GIVEN)["metadata"]["name"]
    conf = conf_map(spec(), place)["metadata"]["name"]
    assert volumes["scripts"]["configMap"] == {"name": scripts, "defaultMode": 0o555}
    assert volumes["conf"]["configMap"] == {"name": conf, "defaultMode": 0o444}
    for volume, name in (("acl", "acl"), ("tls", "tls"), ("secrets", "passwords")):
        assert volumes[volume]["secret"] == {
            "secretName": f"agents-{place}-{name}",
            "defaultMode": 0o440,
        }
    assert volumes["run"]["emptyDir"]["medium"] == "Memory"


def test_other_scripts_roll_the_pods_and_other_credentials_only_where_they_are_asked_for() -> None:
    template = made(Place.SENTINEL)["spec"]["template"]
    changed = dict(SCRIPTS_GIVEN, **{SCRIPTS[0]: "#!/bin/sh\n:\n"})
    assert made(Place.SENTINEL, scripts=changed)["spec"]["template"] != template
    assert template["metadata"]["annotations"] == {}
    found = made(Place.SENTINEL, credentials="digest")["spec"]["template"]
    assert found["metadata"]["annotations"] == {"holdfast-credentials": "digest"}


@pytest.mark.parametrize("place", PLACES)
def test_pods_of_a_kind_never_share_a_node_unless_they_may(place: Place) -> None:
    term = {
        "labelSelector": {"matchLabels": selector(spec().names, place)},
        "topologyKey": "kubernetes.io/hostname",
    }
    assert pod(place)["affinity"] == {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    }
    assert pod(place, spec(share_nodes=True))["affinity"] == {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "podAffinityTerm": term}
            ]
        }
    }


@pytest.mark.parametrize(("strict", "effect"), [(False, "ScheduleAnyway"), (True, "DoNotSchedule")])
def test_pods_are_spread_over_zones_each_revision_by_itself(*, strict: bool, effect: str) -> None:
    (rule,) = pod(Place.SERVER, spec(spread_zones=strict))["topologySpreadConstraints"]
    assert rule == {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": effect,
        "labelSelector": {"matchLabels": selector(spec().names, Place.SERVER)},
        "matchLabelKeys": ["controller-revision-hash"],
    }


def test_names_are_pinned_and_what_is_not_is_asked_once() -> None:
    for place in PLACES:
        body = pod(place)
        pinned = {name for alias in body["hostAliases"] for name in alias["hostnames"]}
        assert pinned == set(spec().all_fqdns)
        assert body["dnsConfig"]["options"] == [
            {"name": "ndots", "value": "1"},
            {"name": "timeout", "value": "1"},
            {"name": "attempts", "value": "1"},
        ]


def test_volumes_have_the_asked_class_and_hold_the_file_and_its_rewrite() -> None:
    (claim,) = made(Place.SERVER, spec(storage_class="fast"))["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "768Mi"}},
        "storageClassName": "fast",
    }
    (claim,) = made(Place.SENTINEL)["spec"]["volumeClaimTemplates"]
    assert claim["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    }


def test_a_private_registry_is_logged_in_at_with_the_named_secrets() -> None:
    found = pod(Place.SENTINEL, spec(image="r.example/v@sha256:1", image_pull_secrets=("login",)))
    assert found["imagePullSecrets"] == [{"name": "login"}]
    assert {container["image"] for container in found["containers"]} == {"r.example/v@sha256:1"}


@given(replicas=st.integers(2, 7), sentinels=st.sampled_from([3, 5, 7]), zones=st.booleans())
def test_whatever_the_shape_a_manifest_is_plain_data_and_the_same_every_time(
    *, replicas: int, sentinels: int, zones: bool
) -> None:
    store = spec(config=config(replicas=replicas, sentinels=sentinels), spread_zones=zones)
    for place, count in ((Place.SERVER, replicas + 1), (Place.SENTINEL, sentinels)):
        one, other = made(place, store), made(place, store)
        assert json.dumps(one) == json.dumps(other)
        assert one["spec"]["replicas"] == count
        assert "@secret" not in json.dumps(one)


def test_a_set_says_which_stack_it_belongs_to_and_its_pods_do_not_roll_for_that() -> None:
    owned, free = (made(Place.SERVER, spec(owner=owner)) for owner in ("holdfast/prod", ""))
    assert owned["metadata"]["annotations"] == {"holdfast-stack": "holdfast/prod"}
    assert "annotations" not in free["metadata"]
    assert owned["spec"] == free["spec"]
