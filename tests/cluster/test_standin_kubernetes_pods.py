"""What the stand-in waits for, with pods that run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.standin_project import DEPLOYMENT, STATEFUL_SET, Project, project
from tests.engine import Run
from tests.standin.kubernetes.objects import Kind

IMAGE: Final = "docker.io/valkey/valkey:9.1.2"
JOB: Final = Kind("batch", "v1", "Job")


@pytest.fixture(name="project")
def fixture_project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    with project(request, tmp_path) as made:
        yield made


WORKLOAD = """
    labels = {{"app": "x"}}


    def pods(image={image!r}, note="1"):
        return {{
            "metadata": {{"labels": labels, "annotations": {{"note": note}}}},
            "spec": {{
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {{
                        "name": "c",
                        "image": image,
                        "imagePullPolicy": "Never",
                        "command": ["valkey-server", "--save", ""],
                        "readinessProbe": {{
                            "tcpSocket": {{"port": 6379}}, "periodSeconds": 1
                        }},
                    }}
                ],
            }},
        }}


    def workload(kind, timeout, template, **spec):
        return kind(
            "x",
            metadata=metadata("x"),
            spec={{
                "replicas": 2,
                "selector": {{"matchLabels": labels}},
                "template": template,
                **spec,
            }},
            opts=ResourceOptions(
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
            ),
        )


"""


def up(project: Project, *, fails: bool = False) -> Run:
    """Deploy, with time for pods on a machine that has other things to do."""
    return project.engine.run("up", "--yes", "--skip-preview", fails=fails, deadline_seconds=240)


def write_workload(project: Project, program: str) -> None:
    project.write(WORKLOAD.format(image=IMAGE) + program)


def test_a_set_is_deployed_when_its_pods_are_ready_and_rolled_when_all_are_new(
    project: Project,
) -> None:
    call = (
        '    workload(kubernetes.apps.v1.StatefulSet, "200s", pods(note={!r}), serviceName="x")\n'
    )
    write_workload(project, call.format("1"))
    up(project)
    first = project.get(STATEFUL_SET, "x")["status"]
    assert first["readyReplicas"] == 2
    write_workload(project, call.format("2"))
    up(project)
    second = project.get(STATEFUL_SET, "x")["status"]
    assert second["currentRevision"] == second["updateRevision"] != first["updateRevision"]
    assert second["readyReplicas"] == second["currentReplicas"] == 2
    project.engine.up_unchanged()
    project.engine.drift(expected=False)
    project.engine.destroy()
    assert project.find(STATEFUL_SET, "x") is None


@pytest.mark.whole
def test_a_roll_that_does_not_come_to_its_end_fails_and_says_what_is_wrong_with_the_pod(
    project: Project,
) -> None:
    call = '    workload(kubernetes.apps.v1.StatefulSet, "{}", pods(image={!r}), serviceName="x")\n'
    write_workload(project, call.format("200s", IMAGE))
    up(project)
    write_workload(project, call.format("30s", "none.such/image:1"))
    run = up(project, fails=True)
    assert "timed out waiting to be Ready" in run.shown
    assert f"[Pod {project.namespace}/x-1]" in run.shown
    assert "ErrImageNeverPull" in run.shown
    assert "StatefulSet controller failed to advance from revision" in run.shown


def test_a_deployment_is_deployed_when_its_pods_are_available(project: Project) -> None:
    write_workload(project, '    workload(kubernetes.apps.v1.Deployment, "200s", pods())\n')
    up(project)
    assert project.get(DEPLOYMENT, "x")["status"]["availableReplicas"] == 2
    project.engine.up_unchanged()
    project.engine.destroy()


def test_a_service_is_deployed_when_pods_are_behind_it(project: Project) -> None:
    write_workload(
        project,
        """
    workload(kubernetes.apps.v1.Deployment, "200s", pods())
    kubernetes.core.v1.Service(
        "service",
        metadata=metadata("service"),
        spec={"selector": labels, "ports": [{"port": 6379}]},
    )
""",
    )
    up(project)
    found = project.get(Kind("", "v1", "Endpoints"), "service")
    assert len(found["subsets"][0]["addresses"]) == 2
    project.engine.up_unchanged()
    project.engine.drift(expected=False)


ONE_JOB = """
    kubernetes.batch.v1.Job(
        "job",
        metadata=metadata("job"),
        spec={{
            "backoffLimit": 0,
            "template": {{
                "spec": {{
                    "restartPolicy": "Never",
                    "containers": [
                        {{"name": "c", "image": {image!r}, "command": ["sh", "-c", {script!r}]}}
                    ],
                }}
            }},
        }},
    )
"""


def test_a_job_is_deployed_when_it_is_complete_and_is_made_anew_for_other_work(
    project: Project,
) -> None:
    project.write(ONE_JOB.format(image=IMAGE, script="exit 0"))
    up(project)
    first = project.get(JOB, "job")
    assert first["status"]["succeeded"] == 1
    project.engine.up_unchanged()
    project.write(ONE_JOB.format(image=IMAGE, script="sleep 0"))
    up(project)
    assert project.get(JOB, "job")["metadata"]["uid"] != first["metadata"]["uid"]
    project.engine.destroy()
    assert project.find(JOB, "job") is None


def test_a_job_that_fails_fails_the_deployment_at_once(project: Project) -> None:
    project.write(ONE_JOB.format(image=IMAGE, script="exit 3"))
    run = up(project, fails=True)
    assert "BackoffLimitExceeded" in run.shown
    assert "ended with exit code 3" in run.shown
    assert project.stored("job")["id"] == f"{project.namespace}/job"
