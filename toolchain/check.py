"""``make check``: format, lint, types, imports, workflows. All run, whatever the first ones say."""

from __future__ import annotations

import subprocess
import sys

from toolchain.errors import EXIT_FAILED, run_command
from toolchain.paths import PROJECT, VENV
from toolchain.venv import ensure_venv

WORKFLOWS = ".github/workflows"
CHECKS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("imports", ("lint-imports", "--no-logo")),
    # Offline: neither asks a service about the actions that workflows use.
    (
        "workflows",
        ("zizmor", "--offline", "--quiet", "--no-progress", "--persona=pedantic", WORKFLOWS),
    ),
    (
        "workflow schema",
        (
            "check-jsonschema",
            "--quiet",
            "--builtin-schema",
            "vendor.github-workflows",
            *sorted(str(file) for file in (PROJECT / WORKFLOWS).glob("*.yml")),
        ),
    ),
    (
        "pipeline schema",
        (
            "check-jsonschema",
            "--quiet",
            "--builtin-schema",
            "vendor.gitlab-ci",
            "--data-transform",
            "gitlab-ci",
            ".gitlab-ci.yml",
        ),
    ),
)


def main() -> int:
    """Run every check and say which failed."""
    ensure_venv("all")
    failed = []
    for name, (program, *arguments) in CHECKS:
        print(f"== {name}: {program} {' '.join(arguments)}".rstrip(), flush=True)
        argv = [str(VENV / "bin" / program), *arguments]
        if subprocess.run(argv, cwd=PROJECT, check=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
        return EXIT_FAILED
    print("all checks passed")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_command(main))
