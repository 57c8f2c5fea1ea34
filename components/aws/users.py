"""The users of a store and their group.

AWS has no user named ``default`` to switch off: a group of engine valkey has none, and a store that
has the group lets nobody else in. Ids and names cannot change: what would change them is another
user beside the first, until an update of its own removes that one, since ElastiCache loses users
that are added while others are removed (hashicorp/terraform-provider-aws issue 49945).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.aws.store_spec import StoreSpec
from components.credentials import Passwords
from config.aws_settings import Authentication
from holdfast.aws.access import access_string
from holdfast.aws.names import user_group_id, user_id, user_name
from holdfast.connection import User
from holdfast.roles import APPLICATION_ROLES, Role

IAM_ROLES: Final = (Role.SVC, Role.WORKER)
"""Applications in AWS; people and tools of the others log in from anywhere, by password."""

_ENGINE: Final = "valkey"


@dataclass(frozen=True, slots=True)
class Login:
    """One user of AWS."""

    role: Role
    generation: int
    iam: bool

    @property
    def suffix(self) -> str:
        """What ends the child's name."""
        later = f"-{self.generation}" if self.generation > 1 else ""
        return f"{self.role}{'-iam' if self.iam else ''}{later}"


def plan_logins(spec: StoreSpec) -> tuple[Login, ...]:
    """The users that there are."""
    return tuple(
        Login(role, generation, iam)
        for generation in spec.user_generations
        for role in APPLICATION_ROLES
        for iam in _ways(spec, role)
    )


def presented_login(spec: StoreSpec, role: Role) -> Login:
    """The user that a role's Connection names."""
    return Login(role, spec.user_generations[-1], _ways(spec, role)[-1])


def _ways(spec: StoreSpec, role: Role) -> tuple[bool, ...]:
    """Whether by IAM, for each way that a role has; the presented one last."""
    if role not in IAM_ROLES:
        return (False,)
    return {
        Authentication.PASSWORD: (False,),
        Authentication.PASSWORD_AND_IAM: (False, True),
        Authentication.IAM: (True,),
    }[spec.authentication]


class Users:
    """A user for each application role, and the group that lets them in."""

    def __init__(self, name: str, spec: StoreSpec, child: pulumi.ResourceOptions) -> None:
        self._spec = spec
        logins = plan_logins(spec)
        with_password = [
            role
            for role in APPLICATION_ROLES
            if any(login.role is role and not login.iam for login in logins)
        ]
        self._passwords = Passwords(name, with_password, spec.rotation, child)
        self._users = {login: self._make(name, login, child) for login in logins}
        self.group = aws.elasticache.UserGroup(
            f"{name}-users",
            user_group_id=user_group_id(spec.aws_name),
            engine=_ENGINE,
            user_ids=[user.user_id for user in self._users.values()],
            tags=spec.tags,
            opts=child,
        )
        self.presented = self._passwords.presented

    def of(self, role: Role) -> aws.elasticache.User:
        """The user that a role's Connection names."""
        return self._users[presented_login(self._spec, role)]

    @property
    def iam_arns(self) -> dict[Role, list[pulumi.Output[str]]]:
        """Of the users that log in by IAM, by role."""
        found: dict[Role, list[pulumi.Output[str]]] = {}
        for login, user in self._users.items():
            if login.iam:
                found.setdefault(login.role, []).append(user.arn)
        return found

    def logins(self, presented: Mapping[str, str]) -> dict[Role, User]:
        """Every role's login, with its password."""
        return {role: self._login(role, presented) for role in APPLICATION_ROLES}

    def _login(self, role: Role, presented: Mapping[str, str]) -> User:
        login = presented_login(self._spec, role)
        known = _name(self._spec, login)
        return User(known, iam=True) if login.iam else User(known, presented[role.value])

    def _make(self, name: str, login: Login, child: pulumi.ResourceOptions) -> aws.elasticache.User:
        spec = self._spec
        return aws.elasticache.User(
            f"{name}-user-{login.suffix}",
            user_id=user_id(spec.aws_name, login.role, login.generation, iam=login.iam),
            user_name=_name(spec, login),
            engine=_ENGINE,
            access_string=access_string(
                login.role,
                spec.app,
                version=spec.engine_version,
                cluster=spec.cluster,
                serverless=spec.serverless,
            ),
            authentication_mode={"type": "iam"} if login.iam else None,
            passwords=None if login.iam else self._passwords.accepted(login.role),
            tags=spec.tags,
            opts=child,
        )


def _name(spec: StoreSpec, login: Login) -> str:
    return user_name(spec.aws_name, login.role, login.generation, iam=login.iam)
