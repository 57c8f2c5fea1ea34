"""The containers: a server with its agent, or a Sentinel."""

from __future__ import annotations

from typing import Final

from config.schema import Engine
from holdfast.roles import Place
from k8s import environment as paths
from k8s.environment import Variable
from k8s.memory import AGENT_MEMORY_BYTES, SENTINEL_MEMORY_BYTES, quantity
from k8s.spec import Object, StoreSpec
from k8s.templates import PORTS, SENTINEL_PORT, SERVER_PORT

SHELL: Final = "/bin/sh"
AGENT_CPU: Final = "15m"
SENTINEL_CPU: Final = "25m"
ORDINAL_LABEL: Final = "apps.kubernetes.io/pod-index"
_PROBE_TIMEOUT_SECONDS: Final = 5
_START: Final = {Place.SERVER: paths.START_SERVER, Place.SENTINEL: paths.START_SENTINEL}

RESTRICTED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""What Pod Security "restricted" asks of a container, and a root that nothing can change."""

MOUNTS: Final = {
    "data": (paths.DATA_DIR, False),
    "run": (paths.RUN_DIR, False),
    "scripts": (paths.SCRIPTS_DIR, True),
    "conf": (paths.CONF_DIR, True),
    "acl": (paths.ACL_DIR, True),
    "tls": (paths.TLS_DIR, True),
    "secrets": (paths.SECRETS_DIR, True),
}
"""Where each volume is, and whether it is read-only. Folders, never single files: a file that
is mounted alone does not change with its Secret."""


def containers(spec: StoreSpec, place: Place) -> list[Object]:
    """The containers of one kind of pod, the server's or Sentinel's first."""
    if place is Place.SENTINEL:
        return [_sentinel(spec)]
    return [_server(spec), _agent(spec)]


def _server(spec: StoreSpec) -> Object:
    memory = quantity(spec.memory.limit_bytes)
    return {
        **_process(spec, Place.SERVER),
        "resources": {
            "requests": {"cpu": spec.server_cpu, "memory": memory},
            "limits": {"memory": memory},
        },
        # Ten minutes for a large file; a server that loads passes.
        "startupProbe": _probe("startup", period=5, failures=120),
        "livenessProbe": _probe("liveness", period=10, failures=6),
        "readinessProbe": _probe("readiness", period=5, failures=3),
        "lifecycle": {"preStop": {"exec": {"command": _script(paths.PRESTOP)}}},
    }


def _sentinel(spec: StoreSpec) -> Object:
    memory = quantity(SENTINEL_MEMORY_BYTES)
    return {
        **_process(spec, Place.SENTINEL),
        "resources": {
            "requests": {"cpu": SENTINEL_CPU, "memory": memory},
            "limits": {"memory": memory},
        },
        "startupProbe": _probe("startup", period=2, failures=60),
        "livenessProbe": _probe("liveness", period=10, failures=6),
        "readinessProbe": _probe("readiness", period=5, failures=3),
    }


def _agent(spec: StoreSpec) -> Object:
    memory = quantity(AGENT_MEMORY_BYTES)
    return {
        **_container(spec, Place.SERVER, "agent", paths.AGENT),
        "resources": {
            "requests": {"cpu": AGENT_CPU, "memory": memory},
            "limits": {"memory": memory},
        },
        # One that hangs is not seen by anybody else, and keeps its server from being elected.
        "livenessProbe": _probe("agent", period=20, failures=3),
    }


def _process(spec: StoreSpec, place: Place) -> Object:
    port = {"name": place.value, "containerPort": PORTS[place], "protocol": "TCP"}
    return {**_container(spec, place, place.value, _START[place]), "ports": [port]}


def _container(spec: StoreSpec, place: Place, name: str, script: str) -> Object:
    return {
        "name": name,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": _script(script),
        "env": environment(spec, place),
        "securityContext": dict(RESTRICTED),
        "volumeMounts": [
            {"name": volume, "mountPath": path, **({"readOnly": True} if read_only else {})}
            for volume, (path, read_only) in MOUNTS.items()
        ],
    }


def program_names(engine: Engine) -> tuple[str, str]:
    """Server and command line, on PATH."""
    family = "valkey" if engine is Engine.VALKEY else "redis"
    return f"{family}-server", f"{family}-cli"


def environment(spec: StoreSpec, place: Place) -> list[Object]:
    """Every variable of :class:`k8s.environment.Variable`, in its order."""
    names, config = spec.names, spec.config
    server, cli = program_names(config.engine)
    ids = (names.sentinel_id(ordinal) for ordinal in range(spec.count(Place.SENTINEL)))
    domain = f"{names.namespace}.svc.{names.cluster_domain}"
    values = {
        Variable.KIND: place.value,
        # The API server puts the variable above into the value.
        Variable.NODE_FQDN: f"$({Variable.POD_NAME}).{domain}",
        Variable.NODES: " ".join(spec.fqdns(Place.SERVER)),
        Variable.SENTINELS: " ".join(spec.fqdns(Place.SENTINEL)),
        Variable.SERVICE: config.service,
        Variable.PORT: str(SERVER_PORT),
        Variable.SENTINEL_PORT: str(SENTINEL_PORT),
        Variable.QUORUM: str(config.shape.quorum),
        Variable.SENTINEL_IDS: " ".join(ids),
        Variable.DOWN_AFTER_MS: str(config.down_after_ms),
        Variable.COLD_START_GRACE_SECONDS: str(spec.cold_start_grace_seconds),
        Variable.ENGINE: config.engine.value,
        Variable.ENGINE_VERSION: config.version,
        Variable.SERVER_PROGRAM: server,
        Variable.CLI: cli,
        Variable.SCRIPTS_DIR: paths.SCRIPTS_DIR,
        Variable.CONF_DIR: paths.CONF_DIR,
        Variable.TLS_DIR: paths.TLS_DIR,
        Variable.ACL_DIR: paths.ACL_DIR,
        Variable.SECRETS_DIR: paths.SECRETS_DIR,
        Variable.RUN_DIR: paths.RUN_DIR,
        Variable.DATA_DIR: paths.DATA_DIR,
    }
    fields = {
        Variable.POD_NAME: "metadata.name",
        Variable.ORDINAL: f"metadata.labels['{ORDINAL_LABEL}']",
    }
    return [
        {"name": variable.value, "valueFrom": {"fieldRef": {"fieldPath": fields[variable]}}}
        if variable in fields
        else {"name": variable.value, "value": values[variable]}
        for variable in Variable
    ]


def _probe(question: str, *, period: int, failures: int) -> Object:
    return {
        "exec": {"command": [*_script(paths.PROBE), question]},
        "periodSeconds": period,
        "timeoutSeconds": _PROBE_TIMEOUT_SECONDS,
        "failureThreshold": failures,
    }


def _script(name: str) -> list[str]:
    return [SHELL, f"{paths.SCRIPTS_DIR}/{name}"]
