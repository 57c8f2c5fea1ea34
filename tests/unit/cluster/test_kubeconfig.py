from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.kubeconfig import load
from holdfast.errors import ConfigError

_SECRET = "c2VjcmV0LXRva2Vu"


def _write(folder: Path, server: str = "https://127.0.0.1:1") -> Path:
    path = folder / "config"
    path.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users: [{{name: u, user: {{token: {_SECRET}}}}}]
contexts:
- {{name: here, context: {{cluster: c, user: u, namespace: mine}}}}
- {{name: broken, context: {{cluster: absent, user: u}}}}
"""
    )
    return path


def test_server_context_and_namespace_come_from_the_file(tmp_path: Path) -> None:
    login = load(_write(tmp_path), None)
    assert (login.server, login.context, login.namespace) == (
        "https://127.0.0.1:1",
        "here",
        "mine",
    )


def test_the_variable_names_the_file_when_no_argument_does(tmp_path: Path) -> None:
    assert load(None, None, {"KUBECONFIG": str(_write(tmp_path))}).context == "here"


def test_a_context_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"context: got 'there', need .* broken, here"):
        load(_write(tmp_path), "there")


def test_an_entry_that_does_not_hold_together_is_refused_without_its_secrets(
    tmp_path: Path,
) -> None:
    with pytest.raises(ConfigError, match="usable entry for the context broken") as caught:
        load(_write(tmp_path), "broken")
    assert _SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "absent", None)


@pytest.mark.parametrize("content", [b"- a list", b"{", b"\xff\xfe", b""])
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"a kubeconfig \(YAML\)"):
        load(path, None)


def test_a_cluster_that_does_not_answer_is_said_to_with_its_address_and_context(
    tmp_path: Path,
) -> None:
    api = ClusterApi.load(_write(tmp_path), timeout_seconds=2)
    with pytest.raises(ClusterUnavailable) as caught:
        api.version()
    api.close()
    said = str(caught.value)
    assert "https://127.0.0.1:1 (context here) cannot be reached: " in said
    assert "refused" in said
    assert _SECRET not in said
