"""The passwords, the CA and the certificates of one store, and what is rendered from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

from components.resources import Certificate, CertificateAuthority, Password
from config.directives import ServerConfig
from config.rules import LOOPBACK
from holdfast.acl import sentinel_acl_file, server_acl_file
from holdfast.connection import Connection, User
from holdfast.roles import APPLICATION_ROLES, SENTINEL_RULES, Place, Role
from holdfast.rotation.settings import PasswordStage, RotationSettings, serial_text

FULL: Final = "*"
"""Stands for the Connection of all roles where documents are kept by role."""


@dataclass(frozen=True, slots=True)
class CredentialsSpec:
    """What the credentials of a store follow from.

    Attributes:
        app: the key prefix that applications are held to.
        config: what the servers are told.
        rotation: how often each secret was made anew, and the stage.
        dns_names: what each kind of certificate is good for, beside 127.0.0.1; a kind that is
            absent gets none.
    """

    app: str
    config: ServerConfig
    rotation: RotationSettings
    dns_names: Mapping[Place, Sequence[str]]


class Passwords:
    """A password for each role that has one."""

    def __init__(
        self,
        name: str,
        roles: Iterable[Role],
        rotation: RotationSettings,
        child: pulumi.ResourceOptions,
    ) -> None:
        self._passwords = {
            role: Password(
                f"{name}-password-{role}",
                rotation=rotation.password_rotation(role),
                keep_previous=rotation.password_stage is not PasswordStage.SINGLE,
                opts=child,
            )
            for role in roles
        }
        self.values: pulumi.Output[dict[str, str]] = pulumi.Output.all(
            **{role.value: password.value for role, password in self._passwords.items()}
        )
        self.presented = self.values
        if rotation.password_stage is PasswordStage.ACCEPT_BOTH:
            # What accepts them changes one after another: nobody may present what another does
            # not know yet.
            self.presented = pulumi.Output.all(self.values, _previous(self._passwords)).apply(
                lambda known: {role: known[1][role] or value for role, value in known[0].items()}
            )
        self.hashes: pulumi.Output[dict[str, Sequence[str]]] = pulumi.Output.all(
            **{role.value: password.sha256 for role, password in self._passwords.items()}
        )

    def __getitem__(self, role: Role) -> Password:
        """The password of a role."""
        return self._passwords[role]

    def accepted(self, role: Role) -> pulumi.Output[list[str]]:
        """The role's passwords that are valid, newest first: two while it is rotated. Secret."""
        password = self._passwords[role]
        both = pulumi.Output.all(password.value, password.previous)
        return pulumi.Output.secret(both.apply(lambda known: [text for text in known if text]))


class Credentials:
    """The passwords that the processes of one store share, and the users' rules."""

    def __init__(self, name: str, spec: CredentialsSpec, child: pulumi.ResourceOptions) -> None:
        passwords = Passwords(name, Role, spec.rotation, child)
        self.admin_password = passwords[Role.ADMIN].value
        self.values = passwords.values
        self.presented = passwords.presented
        self.hashes = passwords.hashes
        self.acls = {
            Place.SERVER: self.hashes.apply(lambda known: _server_acl(spec, known)),
            Place.SENTINEL: self.hashes.apply(lambda known: _sentinel_acl(spec, known)),
        }


class OwnCertificates:
    """A CA of the store's own, and the certificates that it issues."""

    def __init__(self, name: str, spec: CredentialsSpec, child: pulumi.ResourceOptions) -> None:
        rotation = spec.rotation
        self.authority = CertificateAuthority(
            f"{name}-ca",
            common_name=f"{spec.config.service} CA",
            rotation=serial_text(rotation.ca_rotation),
            stage=rotation.ca_stage.value,
            opts=child,
        )
        self.certificates = {
            place: Certificate(
                f"{name}-certificate-{place}",
                ca_certificate_pem=self.authority.certificate_pem,
                ca_private_key_pem=self.authority.private_key_pem,
                common_name=f"{spec.config.service} {place}",
                dns_names=list(dns_names),
                ip_addresses=[LOOPBACK],
                rotation=serial_text(rotation.certificate_rotation),
                opts=child,
            )
            for place, dns_names in spec.dns_names.items()
        }
        self.serials = pulumi.Output.all(
            **{place.value: made.serial for place, made in self.certificates.items()}
        )


def connection_documents(full: Connection) -> dict[str, str]:
    """JSON by application role, and the full one under :data:`FULL`. All secret."""
    narrow = {role.value: full.for_role(role).to_json() for role in APPLICATION_ROLES}
    return {FULL: full.to_json(), **narrow}


def narrow_documents(documents: Mapping[str, str]) -> dict[str, str]:
    """Without the full one."""
    return {role: text for role, text in documents.items() if role != FULL}


def role_users(passwords: Mapping[str, str]) -> dict[Role, User]:
    """Every role's login."""
    return {role: User(role.value, passwords[role.value]) for role in Role}


def _previous(passwords: Mapping[Role, Password]) -> pulumi.Output[dict[str, str]]:
    return pulumi.Output.all(**{role.value: made.previous for role, made in passwords.items()})


def _server_acl(spec: CredentialsSpec, hashes: Mapping[str, Sequence[str]]) -> str:
    return server_acl_file(
        spec.app,
        {role: hashes[role.value] for role in Role},
        engine=spec.config.engine.value,
        version=spec.config.version,
        topology=spec.config.shape.topology,
    )


def _sentinel_acl(spec: CredentialsSpec, hashes: Mapping[str, Sequence[str]]) -> str:
    return sentinel_acl_file(
        {role: hashes[role.value] for role in SENTINEL_RULES},
        engine=spec.config.engine.value,
        version=spec.config.version,
    )
