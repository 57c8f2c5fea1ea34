"""The stand-in for the official kubernetes plugin: real engine, real API server.

Each test says what the official plugin documents, or what its users were told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.standin_project import (
    CLAIM,
    CONFIG_MAP,
    NAMESPACE,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Project,
    project,
    until,
)

ONE_MAP = """
    kubernetes.core.v1.ConfigMap("map", metadata=metadata("map"), data={"a": "1"})
"""


@pytest.fixture(name="project")
def fixture_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    with project(request, tmp_path) as made:
        yield made


EVERY_KIND = """
    service = kubernetes.core.v1.Service(
        "service",
        metadata=metadata("service", annotations={"pulumi.com/skipAwait": "true"}),
        spec={"selector": {"app": "x"}, "ports": [{"port": 80}]},
    )
    kubernetes.core.v1.ConfigMap("map", metadata=metadata("map"), data={"a": "1"}, immutable=True)
    kubernetes.core.v1.Secret("secret", metadata=metadata("secret"), string_data={"a": "1"})
    kubernetes.networking.v1.NetworkPolicy(
        "policy",
        metadata=metadata("policy"),
        spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []},
    )
    kubernetes.policy.v1.PodDisruptionBudget(
        "budget",
        metadata=metadata("budget"),
        spec={"maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}},
    )
    kubernetes.apps.v1.StatefulSet(
        "set",
        metadata=metadata("set"),
        spec={
            "replicas": 0,
            "serviceName": "service",
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {
                    "hostAliases": [{"ip": service.spec.cluster_ip, "hostnames": ["one"]}],
                    "containers": [
                        {
                            "name": "c",
                            "image": "no.such/image:1",
                            "ports": [{"containerPort": 80}],
                            "resources": {"limits": {"memory": "1024Mi", "cpu": 0.5}},
                        }
                    ],
                },
            },
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "1024Mi"}},
                    },
                }
            ],
        },
        opts=ResourceOptions(ignore_changes=["spec.volumeClaimTemplates"]),
    )
    pulumi.export("ip", service.spec.cluster_ip)
"""


def test_what_was_deployed_is_not_changed_again_shows_no_drift_and_goes(project: Project) -> None:
    project.write(EVERY_KIND)
    project.engine.preview()
    assert project.find(SERVICE, "service") is None
    project.engine.up()
    address = project.get(SERVICE, "service")["spec"]["clusterIP"]
    assert project.engine.outputs() == {"ip": address}
    pods = project.get(STATEFUL_SET, "set")["spec"]["template"]["spec"]
    assert pods["hostAliases"] == [{"ip": address, "hostnames": ["one"]}]
    project.engine.up_unchanged()
    project.engine.drift(expected=False)
    project.engine.refresh()
    project.engine.up_unchanged()
    project.engine.destroy()
    for kind, name in ((SERVICE, "service"), (SECRET, "secret"), (STATEFUL_SET, "set")):
        assert project.find(kind, name) is None


def test_an_object_without_a_name_gets_one_that_stays(project: Project) -> None:
    project.write("""
        made = kubernetes.core.v1.ConfigMap("map", metadata={"namespace": NAMESPACE}, data={})
        pulumi.export("name", made.metadata.name)
    """)
    project.engine.up()
    name = project.engine.outputs()["name"]
    assert name.startswith("map-")
    found = project.get(CONFIG_MAP, name)
    assert found["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    project.engine.up_unchanged()


def test_an_object_that_is_there_already_is_not_taken_over(project: Project) -> None:
    project.make(CONFIG_MAP, "map", data={"a": "mine"})
    project.write(ONE_MAP)
    project.engine.preview()
    run = project.engine.up(fails=True)
    assert 'configmaps "map" already exists' in run.shown
    assert project.get(CONFIG_MAP, "map")["data"] == {"a": "mine"}
    assert project.engine.resources() == []


def test_an_object_that_is_there_already_is_taken_over_where_that_is_allowed(
    project: Project,
) -> None:
    project.make(CONFIG_MAP, "map", metadata={"labels": {"by": "somebody"}})
    project.engine.set_config("kubernetes:upsertExistingObjects", "true")
    project.write(ONE_MAP)
    project.engine.up()
    found = project.get(CONFIG_MAP, "map")
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["labels"] == {"by": "somebody"}


SECRET_OF = """
    kubernetes.core.v1.Secret(
        "secret", metadata=metadata("secret"), string_data={{"password": {value!r}}}
    )
"""


def test_new_data_makes_a_new_secret_by_default(project: Project) -> None:
    project.write(SECRET_OF.format(value="first-password"))
    project.engine.up()
    before = project.get(SECRET, "secret")["metadata"]["uid"]
    project.write(SECRET_OF.format(value="second-password"))
    assert "+-1 to replace" in project.engine.preview().stdout
    project.engine.up()
    assert project.get(SECRET, "secret")["metadata"]["uid"] != before


def test_a_mutable_secret_is_updated_in_place(project: Project) -> None:
    project.engine.set_config("kubernetes:enableSecretMutable", "true")
    project.write(SECRET_OF.format(value="first-password"))
    project.engine.up()
    before = project.get(SECRET, "secret")
    project.write(SECRET_OF.format(value="second-password"))
    assert "~ 1 to update" in project.engine.preview().stdout
    project.engine.up()
    after = project.get(SECRET, "secret")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["data"] != before["data"]
    project.engine.up_unchanged()


def test_secrets_stand_in_no_output_and_not_in_the_state(project: Project) -> None:
    project.engine.set_config("kubernetes:enableSecretMutable", "true")
    shown = []
    for value in ("first-password", "second-password"):
        project.write(
            SECRET_OF.format(value=value)
            + f"""
    stateful_set(labels={{"note": pulumi.Output.secret({value!r})}})
"""
        )
        shown += [project.engine.preview().shown, project.engine.up().shown]
    shown.append(project.engine.run("preview", "--json").shown)
    shown.append(json.dumps(project.engine.export()))
    for text in shown:
        for hidden in ("first-password", "second-password", "Zmlyc3QtcGFzc3dvcmQ", "c2Vjb25kLXB"):
            assert hidden not in text
    # One secret label hides that label, not all that the preview has to show.
    state = next(
        item
        for item in project.engine.export()["deployment"]["resources"]
        if item["type"] == "kubernetes:apps/v1:StatefulSet"
    )
    assert state["outputs"]["spec"]["serviceName"] == "none"
    assert state["outputs"]["metadata"]["name"] == "set"


def test_a_field_that_the_program_drops_is_dropped_from_the_object(project: Project) -> None:
    project.write('stateful_set(labels={"one": "1", "two": "2"})')
    project.engine.up()
    project.write('stateful_set(labels={"one": "1"})')
    project.engine.up()
    assert project.get(STATEFUL_SET, "set")["metadata"]["labels"] == {"one": "1"}
    project.engine.up_unchanged()


def test_what_others_changed_is_drift_that_the_next_deployment_mends(project: Project) -> None:
    project.write('stateful_set(labels={"one": "1"})')
    project.engine.up()
    project.take(STATEFUL_SET, "set", metadata={"labels": {"one": "changed", "theirs": "3"}})
    project.engine.drift(expected=True)
    project.engine.refresh()
    run = project.engine.preview()
    assert '"changed"' in run.stdout
    assert "theirs" not in run.stdout


def test_a_field_that_another_manager_took_is_a_conflict(project: Project) -> None:
    project.write('stateful_set(labels={"one": "1"})')
    project.engine.up()
    project.take(STATEFUL_SET, "set", metadata={"labels": {"one": "theirs"}})
    project.write('stateful_set(labels={"one": "2"})')
    run = project.engine.up(fails=True)
    assert "Server-Side Apply field conflict detected" in run.shown
    assert '"somebody"' in run.shown
    assert project.get(STATEFUL_SET, "set")["metadata"]["labels"] == {"one": "theirs"}
    project.engine.environment["PULUMI_K8S_ENABLE_PATCH_FORCE"] = "true"
    project.engine.up()
    assert project.get(STATEFUL_SET, "set")["metadata"]["labels"] == {"one": "2"}


def test_an_object_that_somebody_deleted_is_made_again(project: Project) -> None:
    project.write(ONE_MAP)
    project.engine.up()
    project.api.delete(CONFIG_MAP, project.namespace, "map", propagation="Background")
    project.engine.refresh()
    assert project.engine.resources() == []
    project.engine.up()
    assert project.get(CONFIG_MAP, "map")["data"] == {"a": "1"}


@pytest.mark.whole
def test_a_patch_adds_its_fields_and_takes_them_with_it(project: Project) -> None:
    project.make(CONFIG_MAP, "theirs", data={"a": "1"})
    patch = """
        kubernetes.core.v1.ConfigMapPatch(
            "patch", metadata=metadata("theirs"), data={{"b": {value!r}}}
        )
    """
    project.write(patch.format(value="2"))
    project.engine.up()
    assert project.get(CONFIG_MAP, "theirs")["data"] == {"a": "1", "b": "2"}
    project.write(patch.format(value="3"))
    run = project.engine.preview()
    assert "~ 1 to update" in run.stdout, "a patch is never replaced for its data"
    project.engine.up()
    project.engine.up_unchanged()
    project.engine.drift(expected=False)
    project.engine.destroy()
    assert project.get(CONFIG_MAP, "theirs")["data"] == {"a": "1"}


GROWN_CLAIM = """
    kubernetes.core.v1.PersistentVolumeClaimPatch(
        "grow",
        metadata=metadata("data", annotations={{"pulumi.com/patchForce": "true", {more}}}),
        spec={{"resources": {{"requests": {{"storage": "1024Mi"}}}}}},
        opts=ResourceOptions(
            retain_on_delete=True,
            custom_timeouts=pulumi.CustomTimeouts(create="2s", update="2s"),
        ),
    )
"""


def make_claim(project: Project) -> None:
    # Its class is not there: it stays unbound, whatever else the cluster has.
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": resources}
    project.make(CLAIM, "data", spec=spec)


@pytest.mark.whole
def test_the_patch_of_a_claim_waits_like_a_claim_unless_told_not_to(project: Project) -> None:
    make_claim(project)
    project.write(GROWN_CLAIM.format(more=""))
    run = project.engine.up(fails=True)
    assert "PersistentVolumeClaim is Pending, not Bound" in run.shown
    project.write(GROWN_CLAIM.format(more='"pulumi.com/skipAwait": "true"'))
    project.engine.up()
    project.engine.up_unchanged()
    assert project.stored("grow")["inputs"]["spec"]["resources"]["requests"] == {"storage": "1Gi"}
    project.engine.destroy()
    assert project.find(CLAIM, "data") is not None


def test_a_patch_that_holds_a_required_field_says_why_it_cannot_go(project: Project) -> None:
    make_claim(project)
    grown = GROWN_CLAIM.format(more='"pulumi.com/skipAwait": "true"')
    project.write(grown.replace("retain_on_delete=True,", ""))
    project.engine.up()
    item = project.get(CLAIM, "data")
    others = [
        entry
        for entry in item["metadata"]["managedFields"]
        if entry["manager"].startswith("pulumi-kubernetes-")
    ]
    steps = [{"op": "replace", "path": "/metadata/managedFields", "value": others}]
    project.api.patch(item, steps, manager="somebody")
    run = project.engine.run("destroy", "--yes", "--skip-preview", fails=True)
    assert "managing a required field" in run.shown
    assert "retainOnDelete" in run.shown


def test_an_import_takes_the_object_as_it_is(project: Project) -> None:
    project.make(CONFIG_MAP, "map", data={"a": "1"})
    project.write(f"""
        kubernetes.core.v1.ConfigMap(
            "map",
            metadata=metadata("map"),
            data={{"a": "1"}},
            opts=ResourceOptions(import_="{project.namespace}/map"),
        )
    """)
    project.engine.up()
    project.write(ONE_MAP)
    project.engine.up_unchanged()
    project.engine.destroy()
    assert project.find(CONFIG_MAP, "map") is None


def test_an_object_that_is_only_looked_at_is_read_and_left_alone(project: Project) -> None:
    project.make(CONFIG_MAP, "map", data={"a": "1"})
    project.write(f"""
        found = kubernetes.core.v1.ConfigMap.get("map", "{project.namespace}/map")
        pulumi.export("data", found.data)
    """)
    project.engine.up()
    assert project.engine.outputs() == {"data": {"a": "1"}}
    project.engine.destroy()
    assert project.find(CONFIG_MAP, "map") is not None


def test_a_set_that_does_not_become_ready_is_kept_and_repaired(project: Project) -> None:
    wait = 'custom_timeouts=pulumi.CustomTimeouts(create="3s", update="20s")'
    project.write(f"stateful_set(replicas=1, {wait})")
    run = project.engine.up(fails=True)
    assert "'set' timed out waiting to be Ready" in run.shown
    assert "0 out of 1 replicas succeeded readiness checks" in run.shown
    assert project.stored("set")["id"] == f"{project.namespace}/set"
    uid = project.get(STATEFUL_SET, "set")["metadata"]["uid"]
    project.write(f"stateful_set(replicas=0, {wait})")
    project.engine.up()
    assert project.get(STATEFUL_SET, "set")["metadata"]["uid"] == uid
    project.engine.up_unchanged()


def test_a_refresh_reports_a_set_that_is_not_ready_and_keeps_it(project: Project) -> None:
    project.write("stateful_set(replicas=0)")
    project.engine.up()
    item = project.get(STATEFUL_SET, "set")
    steps = [{"op": "replace", "path": "/spec/replicas", "value": 1}]
    project.api.patch(item, steps, manager="somebody")
    until(
        "the controller sees it",
        lambda: project.get(STATEFUL_SET, "set")["status"].get("replicas") == 1,
    )
    run = project.engine.refresh()
    assert "0 out of 1 replicas succeeded readiness checks" in run.shown
    stored = project.stored("set")
    assert stored["inputs"]["spec"]["replicas"] == 1
    assert stored["inputs"]["spec"]["serviceName"] == "none"


def test_a_run_that_is_stopped_keeps_what_it_made(project: Project) -> None:
    project.write("stateful_set(replicas=1)")
    with project.engine.start("up", "--yes", "--skip-preview") as run:
        until("the set is there", lambda: project.find(STATEFUL_SET, "set") is not None)
        run.send_signal(2)
        shown = "\n".join(run.communicate(timeout=120))
    assert run.returncode != 0
    assert "cancelled" in shown
    assert project.stored("set")["id"] == f"{project.namespace}/set"
    project.engine.destroy()
    assert project.find(STATEFUL_SET, "set") is None


@pytest.mark.whole
def test_a_service_waits_for_something_to_lead_to(project: Project) -> None:
    service = """
        kubernetes.core.v1.Service(
            "service",
            metadata=metadata("service"),
            spec={"ports": [{"port": 80}]},
            opts=ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="2s", update="40s")),
        )
    """
    project.write(service)
    run = project.engine.up(fails=True)
    assert "Service does not target any Pods" in run.shown
    project.api.create(
        {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": "service", "namespace": project.namespace},
            "subsets": [{"addresses": [{"ip": "192.0.2.1"}], "ports": [{"port": 80}]}],
        },
        manager="somebody",
    )
    project.engine.up()
    project.engine.up_unchanged()


def test_a_claim_of_a_class_that_binds_late_is_not_waited_for(project: Project) -> None:
    name = f"{project.namespace}-late"
    project.write(f"""
        late = kubernetes.storage.v1.StorageClass(
            "late",
            metadata={{"name": "{name}"}},
            provisioner="kubernetes.io/no-provisioner",
            volume_binding_mode="WaitForFirstConsumer",
        )
        kubernetes.core.v1.PersistentVolumeClaim(
            "claim",
            metadata=metadata("claim"),
            spec={{
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": late.metadata.name,
                "resources": {{"requests": {{"storage": "1Gi"}}}},
            }},
        )
    """)
    project.engine.up()
    project.engine.up_unchanged()
    project.engine.destroy()


def test_a_deletion_waits_until_the_object_is_gone(project: Project) -> None:
    project.write("""
        kubernetes.core.v1.ConfigMap(
            "map", metadata=metadata("map", finalizers=["example.org/wait"]), data={}
        )
    """)
    project.engine.up()
    with project.engine.start("destroy", "--yes", "--skip-preview") as run:
        until(
            "it is going",
            lambda: "deletionTimestamp" in project.get(CONFIG_MAP, "map")["metadata"],
        )
        assert run.poll() is None
        item = project.get(CONFIG_MAP, "map")
        steps = [{"op": "remove", "path": "/metadata/finalizers"}]
        project.api.patch(item, steps, manager="somebody")
        run.communicate(timeout=120)
    assert run.returncode == 0
    assert project.engine.resources() == []


@pytest.mark.whole
def test_a_namespace_that_is_missing_fails_the_deployment_and_not_the_preview(
    project: Project,
) -> None:
    project.write("""
        kubernetes.core.v1.ConfigMap(
            "map", metadata={"name": "map", "namespace": "none-such"}, data={}
        )
    """)
    project.engine.preview()
    run = project.engine.up(fails=True)
    assert 'namespaces "none-such" not found' in run.shown


def test_the_namespace_of_objects_that_name_none_is_the_providers(project: Project) -> None:
    project.engine.set_config("kubernetes:namespace", project.namespace)
    project.write('kubernetes.core.v1.ConfigMap("map", metadata={"name": "map"}, data={"a": "1"})')
    project.engine.up()
    assert project.get(CONFIG_MAP, "map")["data"] == {"a": "1"}
    project.engine.up_unchanged()


def test_a_namespace_goes_with_all_that_is_in_it(project: Project) -> None:
    name = f"{project.namespace}-own"
    project.write(f"""
        own = kubernetes.core.v1.Namespace("own", metadata={{"name": "{name}"}})
        kubernetes.core.v1.ConfigMap(
            "map", metadata={{"name": "map", "namespace": own.metadata.name}}, data={{}}
        )
    """)
    project.engine.up()
    project.engine.destroy()
    assert project.api.find(NAMESPACE, "", name) is None


def test_a_cluster_that_does_not_answer_fails_the_deployment_and_not_the_preview(
    project: Project, tmp_path: Path
) -> None:
    text = Path(project.engine.environment["KUBECONFIG"]).read_text()
    unreachable = tmp_path / "kubeconfig"
    lines = [
        '"server": "https://127.0.0.1:1",' if '"server"' in line else line
        for line in _one_item_a_line(text)
    ]
    unreachable.write_text("\n".join(lines))
    project.engine.environment["KUBECONFIG"] = str(unreachable)
    project.write(ONE_MAP)
    project.engine.preview()
    run = project.engine.up(fails=True)
    assert "configured Kubernetes cluster is unreachable" in run.shown
    assert "/version" in run.shown


def _one_item_a_line(text: str) -> list[str]:
    import yaml

    return json.dumps(yaml.safe_load(text), indent=1).splitlines()


def test_a_kubeconfig_that_is_not_there_is_named(project: Project) -> None:
    project.engine.environment["KUBECONFIG"] = "/none/such/kubeconfig"
    project.write(ONE_MAP)
    run = project.engine.up(fails=True)
    assert "configured Kubernetes cluster is unreachable" in run.shown
    assert "/none/such/kubeconfig" in run.shown
