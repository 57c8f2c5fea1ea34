"""Rotation in a cluster while an application writes: nothing fails, and no server restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import pytest

from holdfast.verify.record import Kind
from tests.cluster.application import running
from tests.cluster.rig.cluster import Cluster
from tests.cluster.stack import WHERE, ClusterStack, deployed
from tests.records import keep
from toolchain.cluster.images import verify_reference

pytestmark = [pytest.mark.timeout(1200), pytest.mark.whole]

DELIVERY = ("--delivery-seconds", "25")
"""The test cluster's kubelets look at their Secrets every five seconds."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[ClusterStack]:
    with deployed(tmp_path_factory.mktemp("rotation"), cluster) as stack:
        yield stack


def rotate(stack: ClusterStack, name: str, *arguments: str) -> None:
    """Rotate while an application writes, and see that it did not notice."""
    before = stack.pod_ids()
    began = time.monotonic()
    with running(stack, verify_reference()) as application:
        stack.run("rotate", *arguments, *DELIVERY, "--yes")
    outcome = application.outcome
    assert outcome is not None
    assert outcome.failures == ()
    assert outcome.stored == outcome.turns > 100
    assert servers(stack.pod_ids()) == servers(before)
    figures = {
        "failed": len(outcome.failures),
        "lost": outcome.turns - outcome.stored,
        "acknowledged": outcome.turns,
        "longest_pause_seconds": outcome.longest_pause_seconds,
        "duration_seconds": time.monotonic() - began,
    }
    keep(stack.connection, Kind.ROTATION, name, figures, where=WHERE, writers=4)


def servers(pods: Mapping[str, str]) -> dict[str, str]:
    return {name: uid for name, uid in pods.items() if "-server-" in name}


def test_passwords_of_an_application_and_of_the_servers_are_rotated_unnoticed(
    stack: ClusterStack,
) -> None:
    old = stack.connection.users
    rotate(stack, "some passwords", "passwords", "--role", "svc", "--role", "replica")
    stack.engine.up_unchanged()
    stack.forget()
    new = stack.connection.users
    changed = {role for role, user in new.items() if user.password != old[role].password}
    assert changed == {"svc", "replica"}
    stack.run("smoke")


def test_every_password_is_rotated_unnoticed(stack: ClusterStack) -> None:
    rotate(stack, "passwords", "passwords")
    stack.run("smoke")


def test_certificates_are_issued_anew_unnoticed(stack: ClusterStack) -> None:
    before = stack.engine.outputs()["certificate_serials"]
    rotate(stack, "certificates", "certificates")
    after = stack.engine.outputs()["certificate_serials"]
    assert before.keys() == after.keys()
    assert all(before[kind] != after[kind] for kind in before)
    stack.run("smoke")


def test_the_ca_is_replaced_unnoticed(stack: ClusterStack) -> None:
    old = stack.connection.tls.ca
    rotate(stack, "ca", "ca")
    stack.forget()
    assert stack.connection.tls.ca != old
    stack.run("smoke")
