"""Inputs in the form in which the server keeps them, and live objects in the shape of inputs.

Both serve the comparison: a program that says the same in other words has changed nothing, and a
field that the server filled in is no drift.
"""

from __future__ import annotations

import base64
import binascii
from copy import deepcopy
from typing import Any, Final

from provider.values import UNKNOWN, is_known
from tests.standin.kubernetes.objects import Object
from tests.standin.kubernetes.quantity import canonical

READ_ONLY_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)
_QUANTITY_MAPS: Final = frozenset({"limits", "requests", "capacity", "hard", "overhead"})
_QUANTITIES: Final = frozenset({"sizeLimit", "divisor"})
_MAPS_LEFT_OUT_WHEN_EMPTY: Final = _QUANTITY_MAPS | {
    "annotations",
    "binaryData",
    "data",
    "labels",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "stringData",
}


def normalized(inputs: Object) -> Object:
    """Inputs as the server would store them. UNKNOWN stays where it stands."""
    result: Object = _tidy(inputs)
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        for key in READ_ONLY_METADATA:
            metadata.pop(key, None)
    if result.get("kind") == "Secret" and result.get("apiVersion") == "v1":
        _move_string_data(result)
    return result


def _tidy(value: Any, key: str = "", parent: str = "") -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, dict):
        tidied = {name: _tidy(item, name, key) for name, item in value.items()}
        return {name: item for name, item in tidied.items() if not _left_out(name, item)}
    if isinstance(value, list):
        return [_tidy(item, "", key) for item in value]
    if key in _QUANTITIES or parent in _QUANTITY_MAPS:
        return _quantity(value)
    return value


def _left_out(name: str, value: object) -> bool:
    if value is None or value == []:
        return True
    return value == {} and name in _MAPS_LEFT_OUT_WHEN_EMPTY


def _quantity(value: object) -> object:
    if isinstance(value, str):
        return canonical(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return canonical(str(value)) if is_number else value


def _move_string_data(secret: Object) -> None:
    texts = secret.get("stringData")
    if texts is UNKNOWN:
        return
    data = dict(secret.get("data") or {}) if secret.get("data") is not UNKNOWN else {}
    for name, text in data.items():
        data[name] = _reencoded(text)
    if isinstance(texts, dict) and texts:
        for name, text in texts.items():
            data[name] = base64.b64encode(text.encode()).decode() if is_known(text) else UNKNOWN
        del secret["stringData"]
    if data:
        secret["data"] = data


def _reencoded(text: object) -> object:
    # The server decodes and encodes anew, which takes line breaks out.
    if not isinstance(text, str):
        return text
    try:
        return base64.b64encode(base64.b64decode(text)).decode()
    except (binascii.Error, ValueError):
        return text


def pruned(live: Object, shape: Object) -> Object:
    """The live object, with the fields of ``shape`` alone."""
    return {key: _pruned(live[key], shape[key]) for key in shape if key in live}


def _pruned(live: Any, shape: Any) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(live, dict) and isinstance(shape, dict):
        return pruned(live, shape)
    if isinstance(live, list) and isinstance(shape, list):
        kept = [_pruned(item, wanted) for item, wanted in zip(live, shape, strict=False)]
        return kept + deepcopy(live[len(shape) :])
    return deepcopy(live)
