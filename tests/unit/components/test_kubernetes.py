from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

import components.kubernetes_objects
import tests.unit.components.mocks
from components.kubernetes import SentinelSessionStore
from components.kubernetes_args import SentinelSessionStoreArgs
from components.kubernetes_certificates import read_issued
from components.outputs import OUTPUT_NAMES
from config.kubernetes_settings import Issuer
from config.schema import Preset
from holdfast.acl import password_hash
from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES, Place, Role
from holdfast.rotation.settings import PasswordStage, RotationSettings
from k8s.configuration import SCRIPTS
from tests.unit.components.mocks import (
    Deployment,
    certificate_pem,
    cluster_ip_of,
    deploy,
    issued,
    password_of,
    previous_of,
    serial_of,
    unwrap,
)

COMPONENT = "holdfast:index:SentinelSessionStore"
PODS = [f"{place}-{ordinal}" for place in Place for ordinal in range(3)]
DIGITS = re.compile(r"-[0-9a-f]{10}$")
DIGEST = "valkey/valkey@sha256:" + "a" * 64


@pytest.fixture(autouse=True)
def _outputs_in_texts_are_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "1")


def store(*, preview: bool = False, **changes: object) -> Deployment:
    def program() -> Mapping[str, pulumi.Output[Any]]:
        args: SentinelSessionStoreArgs = {"namespace": "prod"}
        made = SentinelSessionStore(
            "s",
            {**args, **changes},  # type: ignore[typeddict-item]  # the test says what it changes
        )
        return {name: getattr(made, name) for name in OUTPUT_NAMES}

    return deploy(program, preview=preview)


def plain(name: str) -> str:
    """A resource's name without the digest of its content."""
    return DIGITS.sub("", name)


def of_content(made: Deployment, name: str) -> str:
    """The resource whose name begins so and ends in a digest."""
    (found,) = (other for other in made.created if other != name and plain(other) == name)
    return found


def expected_children() -> dict[str, str]:
    kit = {f"s-password-{role}": "Password" for role in Role}
    kit |= {f"s-certificate-{place}": "Certificate" for place in Place}
    kit["s-ca"] = "CertificateAuthority"
    core = {f"s-connection-{role}": "Secret" for role in APPLICATION_ROLES}
    core["s-scripts"] = "ConfigMap"
    for place in Place:
        core |= {f"s-{place}-{what}": "Secret" for what in ("acl", "tls", "passwords")}
        core |= {f"s-{place}-conf": "ConfigMap", f"s-{place}-pods": "Service"}
    core |= {f"s-{pod}": "Service" for pod in PODS}
    children = {name: f"holdfast:index:{noun}" for name, noun in kit.items()}
    children |= {name: f"kubernetes:core/v1:{noun}" for name, noun in core.items()}
    children["s-image"] = "kubernetes:batch/v1:Job"
    children["s-deny-all"] = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    for place in Place:
        children[f"s-{place}"] = "kubernetes:apps/v1:StatefulSet"
        children[f"s-{place}-disruption"] = "kubernetes:policy/v1:PodDisruptionBudget"
        children[f"s-{place}-traffic"] = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    return children


def texts(made: Deployment, name: str) -> dict[str, str]:
    """A Secret's content, which has to be secret as the engine sees it."""
    data = made.created[name].inputs["stringData"]
    assert unwrap(data) is not data or all(unwrap(text) is not text for text in data.values())
    return {file: unwrap(text) for file, text in unwrap(data).items()}


def template(made: Deployment, place: Place) -> dict[str, Any]:
    found: dict[str, Any] = made.inputs(f"s-{place}")["spec"]["template"]
    return found


@pytest.mark.parametrize("preview", [False, True])
def test_a_store_has_exactly_its_children(*, preview: bool) -> None:
    created = store(preview=preview).created
    assert {plain(n): a.typ for n, a in created.items() if a.custom} == expected_children()
    assert {name: a.typ for name, a in created.items() if not a.custom} == {"s": COMPONENT}


def test_every_child_is_parented_to_the_component() -> None:
    urns = {plain(name): urn for name, urn in store().urns.items()}
    for name, token in expected_children().items():
        assert urns[name].split("::")[2] == f"{COMPONENT}${token}"


def test_every_object_has_its_own_name_in_the_namespace() -> None:
    made = store()
    objects = [n for n, args in made.created.items() if args.typ.startswith("kubernetes:")]
    heads = [made.inputs(name)["metadata"] for name in objects]
    assert {head["namespace"] for head in heads} == {"prod"}
    assert all(head["labels"]["app.kubernetes.io/instance"] == "s" for head in heads)
    kinds = [(made.created[n].typ, made.inputs(n)["metadata"]["name"]) for n in objects]
    assert len(set(kinds)) == len(kinds)


def test_a_namespace_is_made_only_when_asked_for_and_then_before_all_the_rest() -> None:
    made = store(create_namespace=True)
    assert made.inputs("s-namespace")["metadata"] == {
        "name": "prod",
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    }
    for name, args in made.created.items():
        if args.typ.startswith("kubernetes:") and name != "s-namespace":
            assert "s-namespace" in made.waits_for[name]


def test_every_announced_name_is_pinned_to_its_services_address_in_every_pod() -> None:
    made = store()
    for place in Place:
        assert template(made, place)["spec"]["hostAliases"] == [
            {"ip": cluster_ip_of(f"s-{pod}"), "hostnames": [f"s-{pod}.prod.svc.cluster.local"]}
            for pod in PODS
        ]


def test_pods_find_every_map_and_secret_that_they_mount() -> None:
    made = store()
    names = {
        kind: {
            made.inputs(name)["metadata"]["name"]
            for name, args in made.created.items()
            if args.typ == f"kubernetes:core/v1:{kind}"
        }
        for kind in ("ConfigMap", "Secret")
    }
    for place in Place:
        for volume in template(made, place)["spec"]["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in names["ConfigMap"]
            if "secret" in volume:
                assert volume["secret"]["secretName"] in names["Secret"]


def test_servers_start_after_the_sentinels_and_nothing_before_what_it_mounts_and_obeys() -> None:
    made = store()
    needed = {f"s-{pod}" for pod in PODS} | {"s-scripts", "s-deny-all", "s-image"}
    for place in Place:
        needed |= {f"s-{place}-{what}" for what in ("acl", "tls", "passwords", "conf", "traffic")}
    assert needed <= {plain(name) for name in made.waits_for["s-sentinel"]}
    assert needed | {"s-sentinel"} <= {plain(name) for name in made.waits_for["s-server"]}
    for role in APPLICATION_ROLES:
        assert {"s-server", "s-sentinel"} <= made.waits_for[f"s-connection-{role}"]


def test_pods_hold_digests_of_all_passwords_and_only_the_passwords_that_they_present() -> None:
    made = store()
    servers = texts(made, "s-server-acl")["users.acl"]
    for role in Role:
        assert f"user {role} on #{password_hash(password_of(f's-password-{role}'))} " in servers
    assert "user replica " not in texts(made, "s-sentinel-acl")["users.acl"]
    assert texts(made, "s-server-passwords") == {
        role: password_of(f"s-password-{role}") for role in ("replica", "agent", "probe")
    }
    assert texts(made, "s-sentinel-passwords") == {
        role: password_of(f"s-password-{role}") for role in ("sentinel", "agent", "probe")
    }
    for place in Place:
        assert texts(made, f"s-{place}-tls") == {
            "tls.crt": f"CERT-s-certificate-{place}",
            "tls.key": f"KEY-s-certificate-{place}",
            "ca.crt": "CA-BUNDLE",
        }


def test_no_password_and_no_key_is_anywhere_but_in_secrets() -> None:
    made = store()
    for name, args in made.created.items():
        if args.typ.startswith("kubernetes:") and not args.typ.endswith(":Secret"):
            shown = json.dumps(made.inputs(name), default=str)
            assert "plain-text-of" not in shown
            assert "KEY-" not in shown


def test_a_role_gets_a_secret_with_its_own_login_and_no_other() -> None:
    made = store(app="shop")
    names = made.outputs["connection_secrets"].value
    for role in APPLICATION_ROLES:
        (text,) = texts(made, f"s-connection-{role}").values()
        narrow = Connection.from_json(text)
        assert set(narrow.users) == {role}
        assert narrow.app == "shop"
        assert narrow.dial["s-server-1.prod.svc.cluster.local"] == cluster_ip_of("s-server-1")
        assert names[role] == f"s-connection-{role}"


def test_outputs_are_those_of_every_target_and_the_connection_is_secret() -> None:
    found = store().outputs
    assert {name for name, seen in found.items() if seen.secret} == {"connection", "connections"}
    full = Connection.from_json(found["connection"].value)
    assert set(full.users) == set(Role)
    assert set(found["connections"].value) == {role.value for role in APPLICATION_ROLES}
    assert found["target"].value == "kubernetes"
    assert found["topology"].value == "sentinel"
    assert found["engine"].value == "valkey 9.1.2"
    assert found["endpoints"].value == [
        f"s-sentinel-{ordinal}.prod.svc.cluster.local:26379" for ordinal in range(3)
    ]
    assert found["connection_files"].value == {}
    assert found["ca_file"].value == ""
    assert found["certificate_serials"].value == {
        place: serial_of(f"s-certificate-{place}") for place in Place
    }


def test_a_grown_volume_never_replaces_a_set_and_a_rollout_has_time() -> None:
    seen: dict[str, pulumi.ResourceOptions] = {}

    def note(args: pulumi.ResourceTransformationArgs) -> None:
        seen[args.name] = args.opts

    def program() -> Mapping[str, pulumi.Output[Any]]:
        SentinelSessionStore(
            "s",
            {"namespace": "prod", "preset": Preset.PROD, "image": DIGEST},
            pulumi.ResourceOptions(transformations=[note]),
        )
        return {}

    made = deploy(program)
    for place in Place:
        options = seen[f"s-{place}"]
        assert options.ignore_changes == ["spec.volumeClaimTemplates"]
        assert options.custom_timeouts is not None
        assert options.custom_timeouts.create == "20m"
        assert options.custom_timeouts.update == "20m"
    kept = {name for name, options in seen.items() if options.protect}
    secrets = {f"s-{place}-{what}" for place in Place for what in ("acl", "tls", "passwords")}
    assert kept == {f"s-{pod}" for pod in PODS} | secrets | {"s-server", "s-sentinel"}
    assert kept <= made.created.keys()


def test_outside_production_nothing_is_protected() -> None:
    seen: list[bool] = []

    def note(args: pulumi.ResourceTransformationArgs) -> None:
        seen.append(bool(args.opts.protect))

    def program() -> Mapping[str, pulumi.Output[Any]]:
        options = pulumi.ResourceOptions(transformations=[note])
        SentinelSessionStore("s", {"namespace": "prod"}, options)
        return {}

    deploy(program)
    assert len(seen) > len(PODS)
    assert not any(seen)


def test_sentinels_roll_for_what_they_read_at_their_start_and_servers_do_not() -> None:
    first = store()
    again = store()
    rotated = store(
        rotation=RotationSettings({Role.SVC: 1}, password_stage=PasswordStage.ACCEPT_BOTH)
    )
    assert template(first, Place.SENTINEL) == template(again, Place.SENTINEL)
    assert template(first, Place.SENTINEL) != template(rotated, Place.SENTINEL)
    assert template(first, Place.SERVER) == template(rotated, Place.SERVER)


def test_while_nodes_learn_a_new_password_they_present_the_old_one() -> None:
    def presented(stage: PasswordStage) -> str:
        made = store(rotation=RotationSettings({Role.REPLICA: 1}, password_stage=stage))
        return texts(made, "s-server-passwords")["replica"]

    assert presented(PasswordStage.ACCEPT_BOTH) == previous_of("s-password-replica")
    assert presented(PasswordStage.PRESENT_NEW) == password_of("s-password-replica")


def test_other_scripts_are_another_map_and_roll_the_pods(monkeypatch: pytest.MonkeyPatch) -> None:
    before = store()
    scripts = dict.fromkeys(SCRIPTS, "#!/bin/sh\n")
    monkeypatch.setattr(components.kubernetes_objects, "load_scripts", lambda: scripts)
    after = store()
    for place in Place:
        assert template(before, place) != template(after, place)
    maps = [
        made.inputs(of_content(made, "s-scripts"))["metadata"]["name"] for made in (before, after)
    ]
    assert maps[0] != maps[1]
    # Resources of their own, not versions of one: a change that failed halfway can be taken back.
    assert of_content(before, "s-scripts") != of_content(after, "s-scripts")


ISSUER = Issuer("ClusterIssuer", "internal")


@pytest.mark.parametrize("preview", [False, True])
def test_with_an_issuer_cert_manager_makes_what_the_kit_would(*, preview: bool) -> None:
    created = store(preview=preview, issuer=ISSUER).created
    expected = expected_children()
    del expected["s-ca"]
    for place in Place:
        del expected[f"s-{place}-tls"]
        expected[f"s-certificate-{place}"] = "kubernetes:core/v1:Secret"
        expected[f"s-{place}-certificate"] = "kubernetes:cert-manager.io/v1:Certificate"
        expected[f"s-{place}-issued"] = expected.pop(f"s-certificate-{place}")
    assert {plain(n): a.typ for n, a in created.items() if a.typ != COMPONENT} == expected


def test_an_issued_certificate_is_good_for_every_name_and_lands_where_pods_mount_it() -> None:
    made, own = store(issuer=ISSUER), store()
    for place in Place:
        inputs = made.inputs(f"s-{place}-certificate")
        volumes = template(made, place)["spec"]["volumes"]
        (mounted,) = (v["secret"]["secretName"] for v in volumes if v["name"] == "tls")
        assert inputs["spec"]["secretName"] == mounted
        issued_names = set(inputs["spec"]["dnsNames"])
        assert issued_names == set(own.inputs(f"s-certificate-{place}")["dnsNames"])
        assert made.created[f"s-{place}-issued"].resource_id == f"prod/{mounted}"
        assert f"s-{place}-certificate" in made.waits_for[f"s-{place}"]


def test_clients_trust_the_ca_of_the_issuer_or_the_one_that_is_given() -> None:
    def trusted(issuer: Issuer) -> str:
        text = store(issuer=issuer).outputs["connection"].value
        return str(Connection.from_json(text).tls.ca)

    assert trusted(ISSUER) == certificate_pem("issuer")
    assert trusted(Issuer("Issuer", "ca", ca_pem="OTHER-CA")) == "OTHER-CA"


def test_a_renewed_certificate_rolls_the_sentinels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = store(issuer=ISSUER)
    found = before.outputs["certificate_serials"]
    assert not found.secret
    assert found.value == {place: f"{len(f's-{place}-issued'):x}" for place in Place}
    monkeypatch.setattr(tests.unit.components.mocks, "issued", lambda name: issued(f"new-{name}"))
    after = store(issuer=ISSUER)
    assert template(before, Place.SENTINEL) != template(after, Place.SENTINEL)
    assert template(before, Place.SERVER) == template(after, Place.SERVER)


def test_the_key_of_an_issued_certificate_goes_nowhere() -> None:
    made = store(issuer=ISSUER)
    for name in made.created:
        assert "KEY-" not in json.dumps(made.inputs(name), default=str)
    full = made.outputs["connection"].value
    assert "KEY-" not in full


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"tls.crt": "", "ca.crt": ""},
        {"tls.crt": "!", "ca.crt": "!"},
        {**issued("x"), "ca.crt": ""},
        {**issued("x"), "ca.crt": "bm8gUEVN"},
    ],
)
def test_an_issuer_that_gives_no_ca_is_refused_by_name(data: dict[str, str] | None) -> None:
    with pytest.raises(ConfigError, match="prod/s-server-tls") as caught:
        read_issued("prod/s-server-tls", data)
    assert caught.value.field == "issuer"
    assert "KEY-" not in str(caught.value)


def test_bad_input_is_refused_before_anything_is_registered() -> None:
    seen: list[ConfigError] = []

    def program() -> Mapping[str, pulumi.Output[Any]]:
        try:
            SentinelSessionStore("s", {"namespace": "prod", "sentinels": 4})
        except ConfigError as error:
            seen.append(error)
        return {}

    assert deploy(program).created == {}
    assert [error.field for error in seen] == ["holdfast:sentinels"]
