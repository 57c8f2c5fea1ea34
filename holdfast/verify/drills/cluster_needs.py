"""Which rights a login needs for what a drill does in a cluster, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.cluster.resources import (
    CLAIMS,
    CONFIG_MAPS,
    EVERYWHERE,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    PODS,
    STATEFUL_SETS,
    Right,
)
from holdfast.verify.drills.means import Action

_LOOK: Final = (
    Right("get", PODS),
    Right("list", PODS),
    Right("get", STATEFUL_SETS),
    Right("get", CONFIG_MAPS),
)
_NOTE: Final = tuple(Right(verb, CONFIG_MAPS) for verb in ("create", "patch", "delete"))
_SIGNAL: Final = (
    *_LOOK,
    *_NOTE,
    # Hands get a namespace of their own, which is not there yet when this is asked.
    *(Right(verb, NAMESPACES) for verb in ("create", "list", "delete")),
    *(Right(verb, PODS, namespace=EVERYWHERE) for verb in ("create", "get", "list", "delete")),
    *(Right(verb, PODS, "exec", EVERYWHERE) for verb in ("get", "create")),
)
_NODES: Final = (*_LOOK, *_NOTE, Right("get", NODES), Right("patch", NODES))


def needs(dns_namespace: str) -> Mapping[Action, tuple[Right, ...]]:
    """For each action the rights for it, for the note of it, and for undoing it.

    Args:
        dns_namespace: where the cluster's DNS runs.
    """
    return {
        Action.KILL: _SIGNAL,
        Action.FREEZE: _SIGNAL,
        Action.PODS: (
            *_LOOK,
            Right("delete", PODS),
            Right("patch", STATEFUL_SETS),
            Right("get", CLAIMS),
            Right("delete", CLAIMS),
            Right("get", NODES),
        ),
        Action.DRAIN: (*_NODES, Right("create", PODS, "eviction")),
        Action.NODES: _NODES,
        Action.POLICY: (
            *_LOOK,
            *_NOTE,
            Right("get", NETWORK_POLICIES),
            Right("patch", NETWORK_POLICIES),
            Right("create", NETWORK_POLICIES, namespace=dns_namespace),
            Right("delete", NETWORK_POLICIES, namespace=dns_namespace),
        ),
    }
