"""The command ``rotate``: arguments in, steps and proofs out, exit code."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from holdfast.cluster import via
from holdfast.cluster.errors import ClusterUnavailable
from holdfast.cluster.tasks import Rotate, RotationStatus
from holdfast.errors import (
    AccessDenied,
    ConfigError,
    HoldfastError,
    StoreUnavailable,
    TlsFailed,
)
from holdfast.roles import Role
from holdfast.rotation.means import Interrupted
from holdfast.rotation.pulumi_stack import PulumiStack
from holdfast.rotation.run import Done
from holdfast.rotation.status import Status
from holdfast.verify.cli import interrupts
from holdfast.verify.progress import Progress
from holdfast.verify.result import ExitCode

DEFAULT_TIMEOUT_SECONDS: Final = 1800.0
_MAX_STEPS: Final = 12


def main(argv: Sequence[str] | None = None) -> int:
    """Rotate secrets of a deployed store, or say where a rotation stands.

    Args:
        argv: the arguments; those of the process by default.

    Returns:
        An :class:`ExitCode`.
    """
    arguments = _parser().parse_args(argv)
    stop = threading.Event()
    done: list[Done] = []
    try:
        with (
            interrupts(stop, "rotate", "letting the engine finish"),
            Progress(_MAX_STEPS) as progress,
        ):
            return _rotate(arguments, stop, done, progress)
    except Interrupted as error:
        return _end(arguments, done, f"{error}; run it again and it goes on", ExitCode.INTERRUPTED)
    except ConfigError as error:
        return _end(arguments, done, str(error), ExitCode.USAGE)
    except (StoreUnavailable, AccessDenied, TlsFailed) as error:
        stopped = stop.is_set() and isinstance(error, ClusterUnavailable)
        code = ExitCode.INTERRUPTED if stopped else ExitCode.NO_CONNECTION
        return _end(arguments, done, _noted(error), code)
    except HoldfastError as error:
        return _end(arguments, done, _noted(error), ExitCode.CHECK_FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rotate",
        description="Give a store that serves new secrets. Each step is a `pulumi up` and a proof "
        "on every node. Stopped in the middle, the same command goes on.",
        epilog="exit codes: 0 done, 1 a step or its proof failed, or an old secret is in use, "
        "2 wrong arguments or stack, 3 the store could not be reached, 130 interrupted",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", metavar="NAME", required=True, help="the Pulumi stack")
    common.add_argument("--json", action="store_true", help="print the result as one JSON object")
    common.add_argument(
        "--timeout-seconds",
        metavar="N",
        type=float,
        default=DEFAULT_TIMEOUT_SECONDS,
        help=f"for the whole run (default {DEFAULT_TIMEOUT_SECONDS:g})",
    )
    common.add_argument(
        "--delivery-seconds",
        metavar="N",
        type=float,
        default=None,
        help="how long a changed secret takes to reach clients: in a cluster what its kubelets "
        "take (default 120, which suits their own defaults), on AWS until clients have looked at "
        "theirs (default 90)",
    )
    via.add_arguments(common)
    changing = argparse.ArgumentParser(add_help=False)
    changing.add_argument("--yes", action="store_true", help="do not ask")
    changing.add_argument(
        "--force", action="store_true", help="drop an old secret although clients use it"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    passwords = commands.add_parser(
        "passwords", parents=[common, changing], help="new passwords, the servers' own included"
    )
    passwords.add_argument(
        "--role",
        metavar="ROLE",
        action="append",
        default=[],
        type=_role,
        help=f"only this role's (default: all of {', '.join(Role)}); may be repeated",
    )
    commands.add_parser(
        "certificates", parents=[common, changing], help="new certificates of the same CA"
    )
    commands.add_parser("ca", parents=[common, changing], help="a new CA, in three steps")
    commands.add_parser("status", parents=[common], help="where a rotation stands")
    return parser


def _role(text: str) -> Role:
    if text not in set(Role):
        raise argparse.ArgumentTypeError(f"got {text!r}, need one of {', '.join(Role)}")
    return Role(text)


def _rotate(
    arguments: argparse.Namespace,
    stop: threading.Event,
    done: list[Done],
    progress: Progress,
) -> int:
    def tick() -> None:
        progress.update(min(len(done), _MAX_STEPS), "pulumi")

    means = _means(arguments, stop, tick)
    roles = tuple(getattr(arguments, "role", ()) or Role)
    on_aws = means.connection().target == "aws"
    if on_aws and arguments.command != "status":
        from holdfast.rotation.aws_run import check_request  # noqa: PLC0415 - an extra

        check_request(arguments.command, roles, means.connection())
    if arguments.command == "status":
        status: Status = _run(arguments, RotationStatus(), {"means": means}, stop)
        return _print_status(status, as_json=arguments.json)
    means.require_rights()
    _confirm(arguments)
    task = Rotate(arguments.command, roles, arguments.force)
    _run(arguments, task, {"means": means, "screen": _Screen(done)}, stop)
    return _end(arguments, done, None, ExitCode.PASS)


def _means(
    arguments: argparse.Namespace, stop: threading.Event, tick: Callable[[], None]
) -> PulumiStack:
    deadline: float = time.monotonic() + arguments.timeout_seconds

    def seconds_left() -> float:
        return max(deadline - time.monotonic(), 0.0)

    stack = PulumiStack(arguments.stack, stop=stop, seconds_left=seconds_left, tick=tick)
    target, given = stack.connection().target, arguments.delivery_seconds
    if target == "aws":
        return _aws_means(arguments, stop, seconds_left, tick)
    if target != "kubernetes":
        return stack
    api = via.open_api(arguments)
    from holdfast.rotation.kubernetes_stack import (  # noqa: PLC0415 - an extra
        DELIVERY_SECONDS,
        KubernetesStack,
    )

    return KubernetesStack(
        arguments.stack,
        api,
        stop=stop,
        seconds_left=seconds_left,
        tick=tick,
        delivery_seconds=DELIVERY_SECONDS if given is None else max(given, 1.0),
    )


def _aws_means(
    arguments: argparse.Namespace,
    stop: threading.Event,
    seconds_left: Callable[[], float],
    tick: Callable[[], None],
) -> PulumiStack:
    try:
        from holdfast.rotation.aws_stack import (  # noqa: PLC0415 - an extra
            DELIVERY_SECONDS,
            AwsStack,
        )
    except ImportError as error:
        raise ConfigError(
            "--stack",
            arguments.stack,
            "the AWS SDK, by which its users and secrets are read",
            f"install Holdfast with the extra aws ({error.name} is missing)",
        ) from None
    given = arguments.delivery_seconds
    return AwsStack(
        arguments.stack,
        stop=stop,
        seconds_left=seconds_left,
        tick=tick,
        delivery_seconds=DELIVERY_SECONDS if given is None else max(given, 1.0),
    )


def _run_on_aws(
    task: Rotate | RotationStatus, hands: Mapping[str, Any], stop: threading.Event
) -> Any:  # noqa: ANN401 - of the task
    from holdfast.rotation.aws_run import AwsRotation, look  # noqa: PLC0415 - an extra

    if isinstance(task, RotationStatus):
        return look(hands["means"])
    rotation = AwsRotation(hands["means"], stop=stop, say=hands["screen"].say, force=task.force)
    return rotation.passwords(task.roles)


def _run(
    arguments: argparse.Namespace,
    task: Rotate | RotationStatus,
    hands: Mapping[str, Any],
    stop: threading.Event,
) -> Any:  # noqa: ANN401 - of the task
    """Do it, from here or from a pod beside the store; `pulumi` runs here in both cases."""
    connection = hands["means"].connection()
    if connection.target == "aws":
        return _run_on_aws(task, hands, stop)
    if via.chosen(arguments, connection) is via.Via.DIRECT:
        return task.run(hands, stop)
    with via.verifier(arguments, connection, stop, "rotate") as there:
        return there.run(task, hands)


class _Screen:
    """Notes each piece of work that is done, and says so."""

    def __init__(self, done: list[Done]) -> None:
        self._done = done

    def say(self, piece: Done) -> None:
        self._done.append(piece)
        sys.stderr.write(f"{piece.step}: {piece.proof} ({piece.duration_ms / 1000:.1f} s)\n")


def _confirm(arguments: argparse.Namespace) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("--yes", "nothing", "a confirmation, and nobody can be asked", "add it")
    sys.stderr.write(f"Rotate {arguments.command} of the stack {arguments.stack}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise ConfigError("answer", "no", "yes", "nothing was changed")


def _end(
    arguments: argparse.Namespace, done: Sequence[Done], error: str | None, code: ExitCode
) -> int:
    if arguments.json:
        document = {
            "command": arguments.command,
            "target": arguments.stack,
            "ok": error is None,
            "steps": [
                {"step": d.step, "details": d.proof, "duration_ms": round(d.duration_ms, 1)}
                for d in done
            ],
            "error": error,
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    elif error is None:
        sys.stdout.write(f"{arguments.command} of {arguments.stack}: rotated\n")
    if error is not None:
        sys.stderr.write(f"rotate: {error}\n")
    return code


def _noted(error: HoldfastError) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


def _print_status(status: Status, *, as_json: bool) -> int:
    settings = status.settings.to_config()
    if as_json:
        document = {
            "settings": settings,
            "passwords_accepted": status.accepted,
            "cas_trusted": status.trusted,
            "unfinished": list(status.unfinished),
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return ExitCode.PASS
    for key, value in settings.items():
        sys.stdout.write(f"{key:<30} {value}\n")
    for role, found in status.accepted.items():
        counts = ", ".join(f"{address}: {count}" for address, count in found.items())
        sys.stdout.write(f"passwords of {role:<17} {counts}\n")
    trusted = status.trusted or "the system's"
    sys.stdout.write(f"{'CAs that clients trust':<30} {trusted}\n")
    rest = "; ".join(status.unfinished) or "nothing"
    sys.stdout.write(f"{'unfinished':<30} {rest}\n")
    return ExitCode.PASS
