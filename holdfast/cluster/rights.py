"""Whether a login may do what is about to be done."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.cluster.api import ClusterApi
from holdfast.cluster.errors import Forbidden
from holdfast.cluster.resources import Right
from holdfast.errors import ConfigError


def require_rights(api: ClusterApi, namespace: str, rights: Sequence[Right]) -> None:
    """Refuse at once what would be refused in the middle.

    Raises:
        ConfigError: a right is missing; names each.
        ClusterUnavailable: the API server does not answer.
    """
    try:
        missing = api.missing(rights, namespace)
        who = api.who_am_i() if missing else ""
    except Forbidden as error:
        raise ConfigError(
            "kubeconfig",
            f"a login that {api.server} does not accept",
            "one that may ask for its rights",
            str(error),
        ) from None
    if missing:
        named = ", ".join(map(str, missing))
        raise ConfigError(
            "context",
            f"{api.context}, as {who}",
            f"these rights in the namespace {namespace}: {named}",
            "have a Role with them bound to it, or name another context",
        )
