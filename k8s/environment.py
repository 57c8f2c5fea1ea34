"""What the scripts in ``k8s/scripts`` are told: the one list of variables, paths and files.

Builders set every variable in every container; a test compares the scripts with this list.

Templates (``$HF_CONF_DIR/valkey.conf`` and ``sentinel.conf``) hold two kinds of placeholders:

- ``@HF_NODE_FQDN@``: the value of the variable; ``@HF_SENTINEL_ID@``: this pod's id out of
  ``$HF_SENTINEL_IDS``;
- ``@secret:<role>@``: the content of ``$HF_SECRETS_DIR/<role>``. To be filled in by the shell
  itself: an argument of a program is seen by everybody who may list processes.

The start scripts are the command of the server's own container and end in ``exec``: an init
container would not run again when the server alone is restarted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Variable(StrEnum):
    """Environment variables of the scripts. Set in all containers."""

    KIND = "HF_KIND"
    """``server`` or ``sentinel``: what runs in this pod."""
    POD_NAME = "HF_POD_NAME"
    """Name of the pod, such as ``agents-server-0``."""
    ORDINAL = "HF_ORDINAL"
    """Its number, from 0."""
    NODE_FQDN = "HF_NODE_FQDN"
    """The name under which this pod is announced; in /etc/hosts as all the others."""
    NODES = "HF_NODES"
    """Announced names of all servers, by ordinal, separated by blanks; this pod's among them."""
    SENTINELS = "HF_SENTINELS"
    """Announced names of all Sentinels, likewise."""
    SERVICE = "HF_SERVICE"
    """Name of the primary in the Sentinels' words."""
    PORT = "HF_PORT"
    """TLS port of the servers."""
    SENTINEL_PORT = "HF_SENTINEL_PORT"
    """TLS port of the Sentinels."""
    QUORUM = "HF_QUORUM"
    """Sentinels that must agree that the primary is down."""
    SENTINEL_IDS = "HF_SENTINEL_IDS"
    """``myid`` of every Sentinel (40 hex digits) by ordinal, separated by blanks."""
    DOWN_AFTER_MS = "HF_DOWN_AFTER_MS"
    """Silence after which a server counts as down."""
    COLD_START_GRACE_SECONDS = "HF_COLD_START_GRACE_SECONDS"
    """Without a primary for this long, the freshest replica may become one."""
    ENGINE = "HF_ENGINE"
    """``valkey`` or ``redis``."""
    ENGINE_VERSION = "HF_ENGINE_VERSION"
    """Such as ``9.1.2``; COORDINATED failover exists from Valkey 9.0 on."""
    SERVER_PROGRAM = "HF_SERVER_PROGRAM"
    """``valkey-server`` or ``redis-server``, on PATH. Sentinels run it with ``--sentinel``."""
    CLI = "HF_CLI"
    """``valkey-cli`` or ``redis-cli``, on PATH."""
    SCRIPTS_DIR = "HF_SCRIPTS_DIR"
    """The scripts; read-only."""
    CONF_DIR = "HF_CONF_DIR"
    """The templates; read-only."""
    TLS_DIR = "HF_TLS_DIR"
    """``tls.crt``, ``tls.key``, ``ca.crt``; read-only, changes while the pod runs."""
    ACL_DIR = "HF_ACL_DIR"
    """``users.acl`` of this kind; read-only, changes while the pod runs."""
    SECRETS_DIR = "HF_SECRETS_DIR"
    """A file for each role's password that this kind needs; read-only, changes likewise."""
    RUN_DIR = "HF_RUN_DIR"
    """Memory, empty at the start of a pod: the rendered ``valkey.conf``."""
    DATA_DIR = "HF_DATA_DIR"
    """The volume that outlives the pod; ``sentinel.conf`` of Sentinels is kept here."""


SCRIPTS_DIR: Final = "/scripts"
CONF_DIR: Final = "/conf"
TLS_DIR: Final = "/tls"
ACL_DIR: Final = "/acl"
SECRETS_DIR: Final = "/secrets"
RUN_DIR: Final = "/run/holdfast"
DATA_DIR: Final = "/data"

START_SERVER: Final = "start-valkey.sh"
START_SENTINEL: Final = "start-sentinel.sh"
PRESTOP: Final = "prestop.sh"
PROBE: Final = "probe.sh"
"""Called with ``startup``, ``liveness``, ``readiness`` or, for the agent, ``agent``."""
AGENT: Final = "agent.sh"

SERVER_TEMPLATE: Final = "valkey.conf"
SENTINEL_TEMPLATE: Final = "sentinel.conf"
ACL_FILE: Final = "users.acl"
