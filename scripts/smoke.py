#!/usr/bin/env python3
"""Prove that a deployed store holds: ``scripts/smoke.py --stack local``."""

from __future__ import annotations

from holdfast.verify.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
