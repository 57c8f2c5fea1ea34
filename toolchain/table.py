"""The table that `make up` ends with: what runs where, and how to use it."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROLE = "monitor"
"""The role of the valkey-cli example: it reads figures, on servers and Sentinels alike."""

APPLICATION = "svc"
WIDTH = 80


def render(outputs: Mapping[str, Any], folder: Path) -> str:
    """The table as text.

    Args:
        outputs: of the stack; the secret ones are not used.
        folder: the project; paths below it are shown relative to it.
    """
    files = {role: _short(path, folder) for role, path in outputs["connection_files"].items()}
    facts = {
        "store": f"{outputs['target']}, {outputs['topology']}, {outputs['engine']}",
        "endpoints": ", ".join(outputs["endpoints"]),
        "key prefix": outputs["app"],
        "roles": ", ".join(outputs["roles"]),
    }
    lines = [line for name, value in facts.items() for line in _fact(name, value)]
    if ROLE in files and outputs["ca_file"]:
        lines += ["", "With valkey-cli, as a role that reads figures and no data:"]
        lines += _cli(outputs, files[ROLE], folder)
    if APPLICATION in files:
        lines += ["", "From Python:"]
        lines += [
            "  import holdfast",
            f'  store = holdfast.connect("{files[APPLICATION]}", tenant="acme")',
            "  session = store.create()",
        ]
    lines += ["", 'Plain pulumi:  eval "$(make -s env)" && pulumi preview']
    lines += ["Check again:   make smoke", "Stop:          make down"]
    return "\n".join(lines)


def _fact(name: str, value: str) -> list[str]:
    indent = " " * 12
    return textwrap.wrap(
        f"{name:<12}{value}", WIDTH, subsequent_indent=indent, break_on_hyphens=False
    )


def _cli(outputs: Mapping[str, Any], file: str, folder: Path) -> list[str]:
    connection = json.loads((folder / file).read_text())
    ca = _short(outputs["ca_file"], folder)
    sentinels, service = connection.get("sentinels"), connection.get("sentinel_service")
    first = (sentinels or connection.get("seeds") or [connection.get("primary")])[0]
    host, _, port = str(first).rpartition(":")
    # The password reaches the client by its environment: arguments show in the process list.
    lines = [
        '  eval "$(make -s env)"',
        "  export REDISCLI_AUTH=\"$(python3 -c 'import json, sys",
        f'print(json.load(open(sys.argv[1]))["users"]["{ROLE}"]["password"])\' \\',
        f'    {file})"',
        f"  cli() {{ valkey-cli --tls --cacert {ca} --user {ROLE} \\",
        f'    -h {host} "$@"; }}',
    ]
    if sentinels and service:
        lines += [
            f"  cli -p {port} sentinel get-master-addr-by-name {service}",
            "  cli -p PORT_OF_THE_PRIMARY info replication",
        ]
    else:
        lines += [f"  cli -p {port} info replication"]
    return lines


def _short(path: str, folder: Path) -> str:
    found = Path(path)
    return os.fspath(found.relative_to(folder)) if found.is_relative_to(folder) else path
