"""boto3 makes its clients as it runs, so nothing is known of them before."""

from __future__ import annotations

from typing import Any, TypeAlias

Api: TypeAlias = Any
"""A boto3 client."""
Answer: TypeAlias = Any
"""What a call of it answers, or a part of that: dicts and lists."""
