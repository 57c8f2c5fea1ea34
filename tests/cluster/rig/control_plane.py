"""The control plane's guest: a bridge for the nodes, etcd, API server, controllers, scheduler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.cluster.rig.guest import Keeper, Service, run, wait_for
from tests.cluster.rig.layout import (
    API_PORT,
    CONTROL_PLANE,
    CONTROL_PLANE_ADDRESS,
    NODE_NETWORK_BITS,
    SERVICE_RANGE,
    Layout,
    node_address,
    pod_range,
)

BRIDGE: Final = "br0"
_ETCD: Final = "http://127.0.0.1:2379"
_ETCD_PEER: Final = "http://127.0.0.1:2380"
_ETCD_BYTES: Final = "512m"
_READY_SECONDS: Final = 60.0
_TOLERATION_SECONDS: Final = 15


def boot(layout: Layout, keeper: Keeper) -> None:
    """Set up the network and start everything; returns when the last was started."""
    run("mount", "--make-rprivate", "/")
    run("hostname", CONTROL_PLANE)
    _network(layout)
    data = layout.root / CONTROL_PLANE
    data.mkdir(exist_ok=True)
    # In memory: what etcd keeps is of no use after the cluster, and the disk would hold it up.
    run("mount", "-t", "tmpfs", "-o", f"size={_ETCD_BYTES}", "holdfast-rig-etcd", data)
    keeper.start(Service("etcd", _etcd(layout, data)))
    keeper.start(Service("kube-apiserver", _api_server(layout)))
    relay = (sys.executable, "-m", "tests.cluster.rig.relay", str(layout.api_relay_fd))
    keeper.start(Service("relay", relay, pass_fds=(layout.api_relay_fd,)))
    # Controllers end if the roles that the API server makes at its start are not there yet.
    wait_for("API server", lambda: _ready(layout), _READY_SECONDS)
    keeper.start(Service("kube-controller-manager", _controllers(layout)))
    keeper.start(Service("kube-scheduler", _scheduler(layout)))
    provisioner = (sys.executable, "-m", "tests.cluster.rig.provisioner", str(layout.root))
    keeper.start(Service("provisioner", provisioner))


def _network(layout: Layout) -> None:
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{CONTROL_PLANE_ADDRESS}/{NODE_NETWORK_BITS}", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    set_sysctl("net/ipv4/ip_forward", "1")
    set_sysctl("net/bridge/bridge-nf-call-iptables", "0")
    for index in range(layout.nodes):
        run("ip", "route", "add", pod_range(index), "via", node_address(index))
    # The API server reaches webhooks by their Services: the first node translates for it.
    run("ip", "route", "add", SERVICE_RANGE, "via", node_address(0))


def set_sysctl(name: str, value: str) -> None:
    """Set a value of this network namespace; those that this kernel lacks are passed over."""
    path = Path("/proc/sys") / name
    if path.exists():
        path.write_text(value)


def _program(layout: Layout, part: str) -> str:
    return f"{layout.programs.kube}/{part}"


def _ready(layout: Layout) -> bool:
    argv = [_program(layout, "kubectl"), "--kubeconfig", str(layout.pki / "admin.kubeconfig")]
    argv += ["get", "--raw=/readyz"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def _etcd(layout: Layout, data: Path) -> list[str]:
    return [
        _program(layout, "etcd"),
        f"--name={CONTROL_PLANE}",
        f"--data-dir={data / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        f"--listen-peer-urls={_ETCD_PEER}",
        f"--initial-advertise-peer-urls={_ETCD_PEER}",
        f"--initial-cluster={CONTROL_PLANE}={_ETCD_PEER}",
        "--log-level=warn",
    ]


def _api_server(layout: Layout) -> list[str]:
    pki = layout.pki
    return [
        _program(layout, "kube-apiserver"),
        f"--advertise-address={CONTROL_PLANE_ADDRESS}",
        "--bind-address=0.0.0.0",
        f"--secure-port={API_PORT}",
        f"--etcd-servers={_ETCD}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--anonymous-auth=false",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/kube-apiserver.crt",
        f"--tls-private-key-file={pki}/kube-apiserver.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        f"--kubelet-client-certificate={pki}/kubelet-client.crt",
        f"--kubelet-client-key={pki}/kubelet-client.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=lease",
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        # Five minutes by default: nobody wants to wait for that in a test.
        f"--default-not-ready-toleration-seconds={_TOLERATION_SECONDS}",
        f"--default-unreachable-toleration-seconds={_TOLERATION_SECONDS}",
    ]


def _controllers(layout: Layout) -> list[str]:
    pki = layout.pki
    login = f"{pki}/kube-controller-manager.kubeconfig"
    return [
        _program(layout, "kube-controller-manager"),
        f"--kubeconfig={login}",
        f"--authentication-kubeconfig={login}",
        f"--authorization-kubeconfig={login}",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--root-ca-file={pki}/ca.crt",
        "--use-service-account-credentials",
        "--leader-elect=false",
        # The default of 20 a second costs seconds at the start.
        "--kube-api-qps=300",
        "--kube-api-burst=600",
        "--node-monitor-period=2s",
        "--node-monitor-grace-period=16s",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
    ]


def _scheduler(layout: Layout) -> list[str]:
    login = f"{layout.pki}/kube-scheduler.kubeconfig"
    return [
        _program(layout, "kube-scheduler"),
        f"--kubeconfig={login}",
        f"--authentication-kubeconfig={login}",
        f"--authorization-kubeconfig={login}",
        "--leader-elect=false",
    ]
