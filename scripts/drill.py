#!/usr/bin/env python3
"""Hurt a deployed store on purpose and see that it holds: ``scripts/drill.py --all``."""

from __future__ import annotations

from holdfast.verify.drills.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
