"""An instance of the cluster: up, down, and what may happen to its nodes in between."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from types import TracebackType
from typing import Final, Self

from tests.cluster.rig import cgroups
from tests.cluster.rig.cleanup import clear, exclusive, take_down
from tests.cluster.rig.cluster import Cluster, wait_until
from tests.cluster.rig.containers import locate
from tests.cluster.rig.control_plane import BRIDGE
from tests.cluster.rig.errors import RigError
from tests.cluster.rig.layout import (
    CONTROL_PLANE,
    NODE_COUNTS,
    Layout,
    Programs,
    node_index,
    run_folder,
)
from tests.cluster.rig.loading import load_images
from tests.cluster.rig.logs import last_words
from tests.cluster.rig.manifests import base_objects
from tests.cluster.rig.namespaces import (
    Guest,
    end_guest,
    recorded,
    start_guest,
)
from tests.cluster.rig.node_config import memory_total
from tests.cluster.rig.pki import kubeconfig, make_pki
from tests.cluster.rig.possible import why_not
from toolchain.cluster.binaries import Binaries, find_binaries
from toolchain.cluster.host_tools import ensure_host_tools
from toolchain.cluster.images import find_images
from toolchain.progress import Task, say

DEFAULT_NAME: Final = "main"
DEFAULT_NODES: Final = 3
_API_SECONDS: Final = 90.0
_OBJECTS_SECONDS: Final = 60.0
_NODES_SECONDS: Final = 120.0
_BOOT_SECONDS: Final = 180.0
_LEAST_NODE_BYTES: Final = 2 * 1024**3


class Rig(Cluster):
    """A running cluster; ``up`` makes one, ``attach`` finds one.

    Attributes:
        layout: where everything is.
    """

    has_faults = True

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout.kubeconfig, f"{layout.programs.kube}/kubectl")
        self.layout = layout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    @classmethod
    def up(cls, nodes: int = DEFAULT_NODES, name: str = DEFAULT_NAME) -> Rig:
        """Bring a cluster up, or take the one of this name that is up already.

        Remains of one that crashed are cleared away first; nodes of one that is up are plugged in,
        switched on, and get images that changed since. What goes wrong, Ctrl-C too, leaves nothing
        behind; the last lines of the logs are shown then.

        Args:
            nodes: 1, 3 or 5.
            name: of the instance.

        Raises:
            RigError: this machine cannot run one, or it did not come up.
            ToolchainError: a program or an image cannot be had.
        """
        if nodes not in NODE_COUNTS:
            raise RigError(f"nodes: got {nodes}, need one of {NODE_COUNTS}")
        if reason := why_not():
            raise RigError(reason)
        ensure_host_tools()
        binaries = find_binaries()
        images = {image.reference: str(image.file) for image in find_images(binaries)}
        with exclusive(name):
            if found := attach_or_none(name):
                if found.layout.nodes != nodes:
                    raise RigError(
                        f"{name} is up with {found.layout.nodes} nodes; take it down first, "
                        "or give another name"
                    )
                load_images(found.layout, images)
                attached = cls(Layout.load(found.layout.root))
                attached._mend()
                return attached
            clear(name)
            return cls._start(name, nodes, binaries, images)

    @classmethod
    def attach(cls, name: str = DEFAULT_NAME) -> Rig:
        """Take the cluster of this name that is up.

        Raises:
            RigError: there is none.
        """
        found = attach_or_none(name)
        if found is None:
            raise RigError(f"no cluster {name!r} is up; bring it up with: make cluster")
        return found

    @classmethod
    def _start(cls, name: str, nodes: int, binaries: Binaries, images: dict[str, str]) -> Self:
        root = run_folder(name)
        started = time.monotonic()
        what = f"{nodes} {'node' if nodes == 1 else 'nodes'}"
        try:
            with Task(f"bringing up {what}") as task:
                root.mkdir(parents=True, mode=0o700)
                (root / "logs").mkdir()
                programs = Programs(str(binaries.kube), str(binaries.containerd), str(binaries.cni))
                share = max(_LEAST_NODE_BYTES, memory_total() * 6 // 10 // nodes)
                with socket.create_server(("127.0.0.1", 0)) as api:
                    layout = Layout(name, root, nodes, programs, images, share, api.fileno())
                    rig = cls(layout)
                    rig._boot(api, task)
            (root / "up").touch()
        except BaseException:
            with contextlib.suppress(OSError):
                say(last_words(root))
            clear(name)
            raise
        say(f"{what} up after {time.monotonic() - started:.1f} s")
        return rig

    def _boot(self, api: socket.socket, task: Task) -> None:
        layout = self.layout
        make_pki(layout)
        layout.store()
        port = api.getsockname()[1]
        reach = kubeconfig(layout.pki, "admin", f"https://127.0.0.1:{port}")
        descriptor = os.open(layout.kubeconfig, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(reach)
        task.detail = "control plane"
        start_guest(layout, CONTROL_PLANE, inherit=api.fileno())
        wait_until("bridge", 10, lambda: self._inside("ip", "link", "show", BRIDGE))
        for name in layout.node_names():
            self._switch_on(name)
        task.detail = "API server"
        wait_until("API server", _API_SECONDS, lambda: self.kubectl("get", "--raw=/readyz"))
        wait_until("first objects", _OBJECTS_SECONDS, self._apply_base)
        task.detail = "nodes"
        names = layout.node_names()
        wait_until("nodes", _NODES_SECONDS, lambda: all(self.node_ready(one) for one in names))
        task.detail = "DNS and images"
        self.kubectl(
            *("-n", "kube-system", "rollout", "status", "deployment/coredns"),
            f"--timeout={_NODES_SECONDS:g}s",
            seconds=_NODES_SECONDS + 5,
        )
        for name in names:
            self._await_boot(name)

    def _mend(self) -> None:
        """Undo what somebody did to nodes and did not put back."""
        for name in self.layout.node_names():
            if self.runs(name):
                self.heal(name)
            else:
                self.power_on(name)

    def _apply_base(self) -> bool:
        self.apply(base_objects())
        return True

    def _await_boot(self, name: str) -> None:
        mark = self.layout.node(name) / "booted"
        wait_until(f"images of {name}", _BOOT_SECONDS, mark.exists)

    def down(self) -> None:
        """Take it down and remove everything of it."""
        take_down(self.layout.name)

    def cut(self, node: str) -> None:
        """Pull the network of a node; what runs on it goes on running."""
        self._inside_or_fail("ip", "link", "set", self._port(node), "down")

    def heal(self, node: str) -> None:
        """Plug the network of a node in again."""
        self._inside_or_fail("ip", "link", "set", self._port(node), "up")

    def power_off(self, node: str) -> None:
        """Switch a node off without warning; its disk stays.

        Raises:
            RigError: there is no such node.
        """
        self._port(node)
        guest = recorded(self.layout.root).get(node)
        if guest is not None:
            end_guest(guest)
        (self.layout.node(node) / "booted").unlink(missing_ok=True)
        # Those of a machine end with it; left here, they would hold up the kubelet's next start.
        cgroups.remove(f"{self.layout.cgroup}/{node}")

    def power_on(self, node: str) -> None:
        """Switch a node on again, and wait until it has started everything.

        Raises:
            RigError: there is no such node, or it runs.
        """
        if self.runs(node):
            raise RigError(f"{node} is on")
        self._switch_on(node)
        self._await_boot(node)

    def runs(self, node: str) -> bool:
        """Whether a node is switched on.

        Raises:
            RigError: there is no such node.
        """
        self._port(node)
        guest = recorded(self.layout.root).get(node)
        return guest is not None and guest.runs()

    def usage(self, pod: str, container: str, namespace: str = "default") -> cgroups.Usage:
        """What a container has used, read from its cgroup.

        Raises:
            RigError: it does not run.
        """
        return cgroups.usage(*locate(self, self.layout, pod, container, namespace))

    def signal(self, pod: str, container: str, number: int, namespace: str = "default") -> None:
        """Signal the first process of a container from outside.

        From inside, the kernel keeps SIGKILL and SIGSTOP from it.

        Raises:
            RigError: it does not run.
        """
        os.kill(
            cgroups.first_process(*locate(self, self.layout, pod, container, namespace)), number
        )

    def _port(self, node: str) -> str:
        """The bridge's end of a node's cable."""
        if node not in self.layout.node_names():
            raise RigError(f"node: got {node!r}, need one of {', '.join(self.layout.node_names())}")
        return f"port{node_index(node)}"

    def _switch_on(self, node: str) -> None:
        port = self._port(node)
        self.layout.node(node).mkdir(exist_ok=True)
        guest = start_guest(self.layout, node)
        # The end of a dead node's cable goes a moment after its namespace.
        self._inside("ip", "link", "delete", port)
        plug = ("peer", "name", "eth0", "netns", str(guest.inner.pid))
        self._inside_or_fail("ip", "link", "add", port, "type", "veth", *plug)
        self._inside_or_fail("ip", "link", "set", port, "master", BRIDGE, "up")

    def _inside(self, *argv: str) -> bool:
        """Run a program in the control plane's network; whether it succeeded."""
        try:
            self._inside_or_fail(*argv)
        except RigError:
            return False
        return True

    def _inside_or_fail(self, *argv: str) -> None:
        guest = recorded(self.layout.root).get(CONTROL_PLANE)
        if guest is None or not guest.runs():
            raise RigError(f"the control plane of {self.layout.name} does not run")
        result = subprocess.run(
            [*enter(guest, "--net"), *argv], capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise RigError(f"{' '.join(argv)}: {result.stderr.strip()}")


def attach_or_none(name: str) -> Rig | None:
    """The cluster of this name where it is up."""
    root = run_folder(name)
    control_plane = recorded(root).get(CONTROL_PLANE)
    complete = (root / "up").exists()
    if control_plane is None or not control_plane.runs() or not complete:
        return None
    return Rig(Layout.load(root))


def enter(guest: Guest, *namespaces: str) -> list[str]:
    """The words before a program that is to run inside a guest."""
    return ["nsenter", "--target", str(guest.inner.pid), *namespaces, "--"]
