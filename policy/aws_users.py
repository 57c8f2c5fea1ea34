"""Rules for users: who may log in, and as what. No message quotes a password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from holdfast.verify.plan import SECRET as MASKED
from holdfast.verify.protections import NO_LOGIN_WITHOUT_PASSWORD, present, unmet
from policy.aws_types import GROUP, USER, USER_GROUP, VALKEY
from policy.rule import Level, Resource, Rule, known, texts

_BUILT_IN: Final = "default"
_ALL_KEYS: Final = frozenset({"allkeys", "~*"})
_ALL_COMMANDS: Final = frozenset({"+@all", "allcommands"})
_NO_DANGER: Final = "-@dangerous"


def no_built_in(resource: Resource) -> Iterator[str]:
    """P5: the built-in user is one of Redis without a password, and cannot be changed."""
    props = resource.props
    engine = props.get("engine")
    if known(engine) and str(engine or "").lower() != VALKEY:
        yield f"engine: got {engine!r}, need {VALKEY!r}"
    if _BUILT_IN in texts(props.get("userIds")):
        yield "userIds: need it without 'default', which logs in without a password"


def same_engine(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """P5: a group of users and the caches that it is attached to have the same engine."""
    groups = {
        group.props.get("userGroupId"): group for group in resources if group.type == USER_GROUP
    }
    for cache in resources:
        for attached in texts(cache.props.get("userGroupIds")) if cache.type == GROUP else ():
            group = groups.get(attached)
            if group is None:
                continue
            pair = [str(one.props.get("engine", "")).lower() for one in (cache, group)]
            if all(known(engine) for engine in pair) and pair[0] != pair[1]:
                yield cache, f"engine {pair[0]!r}, but its user group has {pair[1]!r}"


def no_free_login(resource: Resource) -> Iterator[str]:
    """P6: a password or IAM, and never everything."""
    yield from filter(None, (unmet(kept, resource.props) for kept in NO_LOGIN_WITHOUT_PASSWORD))
    words = _words(resource)
    if "nopass" in words:
        yield "accessString: need it without nopass"
    if words & _ALL_KEYS and words & _ALL_COMMANDS and _NO_DANGER not in words:
        yield "accessString: every command on every key: need -@dangerous, and a key prefix"


def no_danger(resource: Resource) -> Iterator[str]:
    """P6: a category takes in commands of later versions; those that harm are taken out."""
    words = _words(resource)
    categories = sorted(word for word in words if word.startswith("+@"))
    if categories and _NO_DANGER not in words:
        yield f"accessString: {' '.join(categories)} without {_NO_DANGER}"


def passwords_are_secret(resource: Resource) -> Iterator[str]:
    """P19: the SDK marks ``passwords`` secret, and these not: they would be plain in the state.

    The engine tells a pack nothing of secrecy, so those that somebody marked are refused as well,
    except in a plan, where they are masked.
    """
    mode = resource.props.get("authenticationMode")
    passwords = mode.get("passwords") if isinstance(mode, Mapping) else None
    if passwords == MASKED or not known(passwords) or not present(passwords):
        return
    if isinstance(passwords, list) and all(one == MASKED for one in passwords):
        return
    yield "authenticationMode.passwords: give them in `passwords`, which is kept secret"


def _words(resource: Resource) -> set[str]:
    value = resource.props.get("accessString")
    text = value if isinstance(value, str) and known(value) else ""
    return set(text.lower().replace("(", " ").replace(")", " ").split())


RULES: Final = (
    Rule(
        "P5",
        "aws-no-built-in-user",
        "a user group is Valkey's, and the user `default` is not in it",
        Level.MANDATORY,
        frozenset({USER_GROUP}),
        no_built_in,
        source="ElastiCache user guide, RBAC",
    ),
    Rule(
        "P5",
        "aws-user-group-engine",
        "a cache and its user group have the same engine",
        Level.MANDATORY,
        frozenset({GROUP, USER_GROUP}),
        stack_check=same_engine,
        source="ElastiCache user guide, RBAC",
    ),
    Rule(
        "P6",
        "aws-no-free-login",
        "users have a password or IAM, and nobody has every command on every key",
        Level.MANDATORY,
        frozenset({USER}),
        no_free_login,
        source="lens SEC3",
    ),
    Rule(
        "P6",
        "aws-no-dangerous-category",
        "a user who is given categories of commands is not given the dangerous ones",
        Level.ADVISORY,
        frozenset({USER}),
        no_danger,
        source="lens SEC3",
    ),
    Rule(
        "P19",
        "aws-passwords-secret",
        "passwords are given where the state keeps them secret",
        Level.MANDATORY,
        frozenset({USER}),
        passwords_are_secret,
        source="pulumi_aws 7.51",
    ),
)
