"""Certificates that somebody else issues: the kit cannot make them anew."""

from __future__ import annotations

from config.schema import BY_NAME
from holdfast.errors import ConfigError
from holdfast.rotation.settings import CaStage, RotationSettings


def refuse_certificate_rotation(rotation: RotationSettings, *, where: str, issuer: str) -> None:
    """Refuse a rotation of certificates or of the CA.

    Args:
        rotation: what was asked for.
        where: the setting that puts them into somebody else's hands, such as ``target aws``.
        issuer: whose they are.

    Raises:
        ConfigError: one is asked for.
    """
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
                f"{BY_NAME[name].default} with {where}",
                f"remove it: {issuer} renews the certificates, and has the CA",
            )
