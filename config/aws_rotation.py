"""What can be made anew on AWS: the passwords of applications, and nothing else."""

from __future__ import annotations

from config.foreign_certificates import refuse_certificate_rotation
from config.schema import BY_NAME
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES
from holdfast.rotation.settings import RotationSettings


def check_aws_rotation(rotation: RotationSettings) -> RotationSettings:
    """Refuse what AWS has in its own hands. Raises ConfigError."""
    for role in rotation.password_rotations:
        if role not in APPLICATION_ROLES:
            raise ConfigError(
                BY_NAME["passwordRotations"].key,
                role.value,
                f"roles that exist with target aws: {', '.join(APPLICATION_ROLES)}",
                "AWS keeps the logins of its servers; remove it",
            )
    refuse_certificate_rotation(rotation, where="target aws", issuer="AWS")
    return rotation
