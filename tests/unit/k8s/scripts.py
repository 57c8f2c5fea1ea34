"""Runs the scripts of ``k8s/scripts`` with programs that only pretend, and with its own clock.

``valkey-cli`` answers from a table, ``sleep`` moves the clock, ``date`` reads it: a script that
waits for minutes ends in milliseconds, and one that waits for ever ends when the clock runs out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from k8s.environment import Variable

SCRIPTS: Final = Path(__file__).parents[3] / "k8s" / "scripts"
NODES: Final = ("node-0.test", "node-1.test", "node-2.test")
SENTINELS: Final = ("sentinel-0.test", "sentinel-1.test", "sentinel-2.test")
SERVICE: Final = "agents"
OUT_OF_TIME: Final = 99
"""Exit code of a script that was still waiting when the clock ran out."""
SECRETS: Final = {role: f"{role}Secret1234" for role in ("agent", "probe", "replica", "sentinel")}

_PROGRAMS: Final = {
    # Rows of `answers`: host|command (both patterns)|from second|only after this call|text.
    # The last row that fits counts. Without one nobody listens there.
    "valkey-cli": """#!/bin/sh
host='' user=''
echo "argv $*" >>"$FAKE/argv"
while [ $# -gt 0 ]; do
    case $1 in
    -h) host=$2; shift 2 ;;
    --user) user=$2; shift 2 ;;
    -p | --cacert | --cert | --key) shift 2 ;;
    --tls) shift ;;
    *) break ;;
    esac
done
read -r secret <"$FAKE/secrets/$user"
answer() {
    echo "$host $1" >>"$FAKE/calls"
    read -r clock <"$FAKE/clock"
    found='' text=''
    while IFS='|' read -r row_host row_command from after row_text; do
        case $host in $row_host) ;; *) continue ;; esac
        case $1 in $row_command) ;; *) continue ;; esac
        [ "$clock" -ge "$from" ] || continue
        [ -z "$after" ] || grep -q -e "$after" "$FAKE/calls" || continue
        found=yes text=$row_text
    done <"$FAKE/answers"
    if [ -z "$found" ] || [ "$text" = '!refused' ]; then
        echo "Could not connect to Valkey at $host: Connection refused" >&2
        return 1
    fi
    if [ "$VALKEYCLI_AUTH" != "$secret" ]; then
        echo 'AUTH failed: WRONGPASS' >&2
        text='NOAUTH Authentication required.'
    fi
    printf '%b\\n' "$text"
}
if [ $# -gt 0 ]; then
    answer "$*"
    exit
fi
while read -r line; do
    case $line in
    'PING '*)
        [ -n "$found" ] || continue
        read -r clock <"$FAKE/clock"
        read -r loaded <"$FAKE/loaded"
        if [ "$clock" -lt "$loaded" ]; then
            echo 'LOADING Valkey is loading the dataset in memory'
        else
            echo "${line#PING }"
        fi
        ;;
    *) answer "$line" ;;
    esac
done
""",
    "valkey-server": """#!/bin/sh
echo "$*" >"$FAKE/started"
cp "$1" "$FAKE/started.conf"
""",
    "sleep": """#!/bin/sh
read -r clock <"$FAKE/clock"
read -r end <"$FAKE/end"
clock=$((clock + $1))
echo "$clock" >"$FAKE/clock"
# A kubelet writes a mounted Secret anew: name, second, new content.
if read -r role second content <"$FAKE/change" && [ "$clock" -ge "$second" ]; then
    echo "$content" >"$HF_SECRETS_DIR/$role"
    echo "$content" >"$FAKE/secrets/$role"
    : >"$FAKE/change"
fi
[ "$clock" -lt "$end" ] || exit 99
""",
    "date": """#!/bin/sh
read -r clock <"$FAKE/clock"
echo "$clock"
""",
    # Each answer takes a moment, if it is told to.
    "timeout": """#!/bin/sh
shift
read -r clock <"$FAKE/clock"
read -r moment <"$FAKE/moment"
echo "$((clock + moment))" >"$FAKE/clock"
exec "$@"
""",
}


@dataclass
class Result:
    """What a script did.

    Attributes:
        code: its exit code.
        log: its standard error.
        calls: ``host COMMAND`` of each question, in order.
        conf: what the server was started with, empty if it was not.
        program: the arguments of the server.
        seconds: how long it took by its own clock.
    """

    code: int
    log: str
    calls: list[str]
    conf: str
    program: str
    seconds: int

    @property
    def replica_of(self) -> str | None:
        """The primary in the server's config, None for a primary."""
        lines = [line.split() for line in self.conf.splitlines()]
        return next((f"{line[1]}:{line[2]}" for line in lines if line[:1] == ["replicaof"]), None)

    @property
    def is_primary(self) -> bool:
        """Whether the server was started, and as a primary."""
        return bool(self.program) and self.replica_of is None

    def called(self, text: str) -> list[str]:
        """The questions that contain a text."""
        return [call for call in self.calls if text in call]


@dataclass
class Pod:
    """A pod: its folders, and the answers that it gets from the others."""

    folder: Path
    ordinal: int = 0
    kind: str = "server"
    version: str = "9.1.2"
    rows: list[str] = field(default_factory=list)
    began: int = 1_700_000_000

    def __post_init__(self) -> None:
        """Make the folders of the pod."""
        for name in ("bin", "conf", "tls", "acl", "secrets", "run", "data"):
            (self.folder / name).mkdir(parents=True)
        for name, text in _PROGRAMS.items():
            program = self.folder / "bin" / name
            program.write_text(text)
            program.chmod(0o755)
        for role, secret in SECRETS.items():
            (self.folder / "secrets" / role).write_text(secret)
        for name in ("tls.crt", "tls.key", "ca.crt"):
            (self.folder / "tls" / name).write_text(name)
        (self.folder / "calls").touch()
        (self.folder / "loaded").write_text("0\n")
        (self.folder / "moment").write_text("0\n")
        (self.folder / "change").touch()
        (self.folder / "clock").write_text(f"{self.began}\n")
        (self.folder / "conf" / "valkey.conf").write_text(
            "replica-announce-ip @HF_NODE_FQDN@\nmasterauth @secret:replica@\nreplica-priority 0\n"
        )

    @property
    def data(self) -> Path:
        """Its volume."""
        return self.folder / "data"

    def answer(self, host: str, command: str, text: str, *, at: int = 0, after: str = "") -> None:
        """Let a host (pattern) answer a command (pattern), from a second on, or after a call."""
        moment = self.began + at if at else 0
        escaped = text.replace("\n", "\\n")
        self.rows.append(f"{host}|{command}|{moment}|{after}|{escaped}")

    def sentinels_name(self, *nodes: str | None, at: int = 0, after: str = "") -> None:
        """Let each Sentinel name a node; None: it is not there."""
        for sentinel, node in zip(SENTINELS, nodes, strict=True):
            text = f"{node}\n6379" if node else "!refused"
            self.answer(sentinel, "SENTINEL GET-MASTER*", text, at=at, after=after)

    def changes_secret(self, role: str, content: str, *, at: int) -> None:
        """Write a mounted Secret anew from a second on."""
        (self.folder / "change").write_text(f"{role} {self.began + at} {content}\n")

    def loads_until(self, second: int) -> None:
        """Let the pod's own server answer PING with LOADING until then."""
        (self.folder / "loaded").write_text(f"{self.began + second}\n")

    def takes_seconds_to_answer(self, seconds: int) -> None:
        """Let every question that a script asks take so long."""
        (self.folder / "moment").write_text(f"{seconds}\n")

    def has_role(self, node: str, role: str, *, at: int = 0, after: str = "") -> None:
        """Let a server say its role."""
        self.answer(node, "ROLE", role, at=at, after=after)

    def holds(self, node: str, keys: int, *, role: str = "slave", more: str = "") -> None:
        """Let a server say what it has, and more in INFO's words."""
        keyspace = f"\r\ndb0:keys={keys},expires=0" if keys else ""
        text = f"loading:0\r\nrole:{role}\r\n{more}# Keyspace{keyspace}"
        self.answer(node, "INFO keyspace*", text)

    def is_in_step(self, node: str, *, priority: int = 100, down_seconds: int | None = 1) -> None:
        """Let a server say that it followed the primary; link down so long, None: it is up."""
        down = "" if down_seconds is None else f"master_link_down_since_seconds:{down_seconds}\r\n"
        self.holds(
            node, 9, more=f"master_sync_in_progress:0\r\n{down}slave_priority:{priority}\r\n"
        )

    def give_data(self) -> None:
        """Let this pod's volume have keys."""
        folder = self.data / "appendonlydir"
        folder.mkdir(exist_ok=True)
        (folder / "appendonly.aof.manifest").write_text("file a.1.incr.aof seq 1 type i\n")
        (folder / "a.1.incr.aof").write_bytes(b"*1\r\n$4\r\nPING\r\n")

    def environment(self) -> dict[str, str]:
        """The variables of a container, the list of k8s.environment and no others."""
        values = {
            Variable.KIND: self.kind,
            Variable.POD_NAME: f"agents-{self.kind}-{self.ordinal}",
            Variable.ORDINAL: str(self.ordinal),
            Variable.NODE_FQDN: (NODES if self.kind == "server" else SENTINELS)[self.ordinal],
            Variable.NODES: " ".join(NODES),
            Variable.SENTINELS: " ".join(SENTINELS),
            Variable.SERVICE: SERVICE,
            Variable.PORT: "6379",
            Variable.SENTINEL_PORT: "26379",
            Variable.QUORUM: "2",
            Variable.SENTINEL_IDS: " ".join(digit * 40 for digit in "abc"),
            Variable.DOWN_AFTER_MS: "5000",
            Variable.COLD_START_GRACE_SECONDS: "120",
            Variable.ENGINE: "valkey",
            Variable.ENGINE_VERSION: self.version,
            Variable.SERVER_PROGRAM: "valkey-server",
            Variable.CLI: "valkey-cli",
            Variable.SCRIPTS_DIR: str(SCRIPTS),
            Variable.CONF_DIR: str(self.folder / "conf"),
            Variable.TLS_DIR: str(self.folder / "tls"),
            Variable.ACL_DIR: str(self.folder / "acl"),
            Variable.SECRETS_DIR: str(self.folder / "secrets"),
            Variable.RUN_DIR: str(self.folder / "run"),
            Variable.DATA_DIR: str(self.folder / "data"),
        }
        return {name.value: value for name, value in values.items()}

    def run(self, script: str, *arguments: str, seconds: int = 600) -> Result:
        """Run a script until it ends, starts the server, or its time is over."""
        shutil.copytree(
            self.folder / "secrets", self.folder / "fake" / "secrets", dirs_exist_ok=True
        )
        fake = self.folder / "fake"
        for name in ("clock", "loaded", "moment", "change", "calls"):
            shutil.copy(self.folder / name, fake / name)
        (fake / "answers").write_text("".join(f"{row}\n" for row in self.rows))
        (fake / "end").write_text(f"{self.began + seconds}\n")
        environment = self.environment() | {
            "FAKE": str(fake),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "LC_ALL": "C",
        }
        done = subprocess.run(
            [shutil.which("dash") or "sh", str(SCRIPTS / script), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        started = fake / "started.conf"
        return Result(
            done.returncode,
            done.stdout + done.stderr,
            (fake / "calls").read_text().splitlines(),
            started.read_text() if started.exists() else "",
            (fake / "started").read_text() if started.exists() else "",
            int((fake / "clock").read_text()) - self.began,
        )
