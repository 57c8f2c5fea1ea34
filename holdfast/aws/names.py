"""Names that AWS gives no freedom in: how long, of which characters, and how they are built.

Rules of user, user group and replication group ids: botocore's model of ElastiCache (letters,
digits and hyphens, a letter first, 40 at most) and the user guide (kept in lower case, no hyphen at
the end, no two in a row).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from holdfast.roles import Role

MAX_ID: Final = 40
MAX_PREFIX: Final = 24
_ID: Final = re.compile(r"[a-z](-?[a-z0-9])*\Z")
_DIGITS: Final = 6


def is_id(text: str, *, longest: int = MAX_ID) -> bool:
    """Whether AWS takes it as an id, and keeps it as it is."""
    return len(text) <= longest and _ID.match(text) is not None


def user_id(prefix: str, role: Role, generation: int = 1, *, iam: bool = False) -> str:
    """The id of a role's user: ``<prefix>-<role>-<hash>``, the prefix cut where it is too long.

    An id is for one user: another generation, and another way to log in, have another one, since
    AWS changes neither in place.
    """
    what = f"{prefix}/{role}/{generation}/{'iam' if iam else 'password'}"
    digest = hashlib.sha256(what.encode()).hexdigest()[:_DIGITS]
    room = MAX_ID - len(role) - _DIGITS - 2
    return f"{prefix[:room].rstrip('-')}-{role}-{digest}"


def user_name(prefix: str, role: Role, generation: int = 1, *, iam: bool = False) -> str:
    """What a role logs in as.

    The role's name; the id where AWS demands that they are the same (IAM). A user group holds a
    name once, so that a second generation beside the first needs another.
    """
    if iam:
        return user_id(prefix, role, generation, iam=True)
    return role.value if generation == 1 else f"{role}-{generation}"


def user_group_id(prefix: str) -> str:
    """The id of a store's user group."""
    return f"{prefix}-users"


def member_ids(group_id: str, *, shards: int, nodes: int, cluster: bool) -> tuple[str, ...]:
    """The ids that AWS gives the nodes of a replication group, in their order.

    Args:
        group_id: of the replication group.
        shards: 1 outside cluster mode.
        nodes: of each shard, its primary included.
        cluster: whether cluster mode is on.
    """
    if not cluster:
        return tuple(f"{group_id}-{node:03d}" for node in range(1, nodes + 1))
    return tuple(
        f"{group_id}-{shard:04d}-{node:03d}"
        for shard in range(1, shards + 1)
        for node in range(1, nodes + 1)
    )
