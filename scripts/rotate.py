#!/usr/bin/env python3
"""Give a store that serves new secrets: ``scripts/rotate.py passwords --stack local``."""

from __future__ import annotations

from holdfast.rotation.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
