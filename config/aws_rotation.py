"""What can be made anew on AWS: the passwords of applications, and nothing else."""

from __future__ import annotations

from config.schema import BY_NAME
from holdfast.errors import ConfigError
from holdfast.roles import APPLICATION_ROLES
from holdfast.rotation.settings import CaStage, RotationSettings


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
    given = {
        "certificateRotation": rotation.certificate_rotation,
        "caRotation": rotation.ca_rotation,
        "caStage": rotation.ca_stage.value,
    }
    for name, value in given.items():
        if value not in (0, CaStage.SINGLE.value):
            raise ConfigError(
                BY_NAME[name].key,
                value,
                f"{BY_NAME[name].default} with target aws",
                "remove it: AWS renews the certificates, and has the CA",
            )
    return rotation
