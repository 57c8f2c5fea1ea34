"""Which hands a drill gets: told from the store's target and the command's arguments."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from holdfast.cluster import via
from holdfast.cluster.store import StoreName
from holdfast.connection import Connection
from holdfast.errors import ConfigError
from holdfast.verify.drills.engine import pulumi_up
from holdfast.verify.drills.local_means import RECORD, LocalMeans
from holdfast.verify.drills.managed import managed_of
from holdfast.verify.drills.means import Means
from holdfast.verify.target import ENVIRONMENT_VARIABLE, resolve


def means_of(
    connection: Connection, arguments: argparse.Namespace, outputs: Mapping[str, object]
) -> Means:
    """The hands on a store's processes.

    Args:
        connection: the store.
        arguments: of the command.
        outputs: the plain outputs of the stack; empty where none was named.

    Raises:
        ConfigError: the target has no drills, or something that is needed was not given.
    """
    again = partial(resolve, stack=arguments.stack, file=arguments.connection)
    if connection.target == "kubernetes":
        api = via.open_api(arguments)
        from holdfast.verify.drills.kubernetes_means import (  # noqa: PLC0415 - an extra
            KubernetesMeans,
        )

        command = words("--node-command", arguments.node_command)
        return KubernetesMeans(api, StoreName.of(connection), command, again)
    if connection.target == "aws":
        return _aws_means(connection, arguments, outputs, again)
    if connection.target != "local":
        raise ConfigError(
            "target", connection.target, "local, kubernetes or aws", "drill a stack of one of these"
        )
    return LocalMeans(group_folder(arguments.connection, outputs), pulumi_up, again)


def _aws_means(
    connection: Connection,
    arguments: argparse.Namespace,
    outputs: Mapping[str, object],
    again: Callable[[], Connection],
) -> Means:
    made = outputs.get("resources")
    known = made if isinstance(made, dict) else {}
    group_id = arguments.replication_group or known.get("replication_group_id")
    region = arguments.region or known.get("region")
    if not group_id or not region:
        raise ConfigError(
            "--replication-group" if not group_id else "--region",
            "nothing",
            "the replication group and its region",
            "use --stack, which names them, or give both",
        )
    try:
        from holdfast.aws import api  # noqa: PLC0415 - an extra
        from holdfast.verify.drills.aws_means import AwsMeans  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "target",
            "aws",
            "the AWS SDK, by which the service is asked for a failover",
            f"install Holdfast with the extra aws ({error.name} is missing)",
        ) from None
    return AwsMeans(api.elasticache(str(region)), str(group_id), connection, again)


def where_of(given: str, means: Means) -> str:
    """What the store ran on; an emulation is always named, whatever else is said of it."""
    managed = managed_of(means)
    own = managed.where() if managed is not None else ""
    return "; ".join(filter(None, (given, own)))


def group_folder(file: str | None, outputs: object) -> Path:
    """The folder of a local stack: where its connection files are.

    Args:
        file: the connection file, where one was named.
        outputs: the plain outputs of the stack, where one was named.

    Raises:
        ConfigError: neither says where.
    """
    files = outputs.get("connection_files") if isinstance(outputs, dict) else None
    if isinstance(files, dict) and files:
        return Path(next(iter(files.values()))).parent
    named = file or os.environ.get(ENVIRONMENT_VARIABLE, "")
    if named and not named.lstrip().startswith("{"):
        folder = Path(named).resolve().parent
        if any(folder.glob(f"*/{RECORD}")):
            return folder
    raise ConfigError(
        "connection",
        named if not named.lstrip().startswith("{") else "a document",
        "a file in the folder of a local stack, beside its processes",
        "use --stack",
    )


def words(option: str, text: str) -> list[str]:
    """A command as a shell would split it. Raises ConfigError where quotes do not match."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ConfigError(option, text, "a command as a shell reads it", str(error)) from None
