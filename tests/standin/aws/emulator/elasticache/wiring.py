"""Our operations in the place of moto's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moto.elasticache.urls
from moto.core.parse import XFormedDict
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores

from tests.standin.aws.emulator.elasticache.control import Control, Settings
from tests.standin.aws.emulator.elasticache.operations import OPERATIONS, Handler


class Controls:
    """A control plane for each account and region that is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[tuple[str, str], Control] = {}

    def get(self, account: str, region: str) -> Control:
        """The one of an account and a region."""
        made = Control(region, account, self._settings)
        return self._found.setdefault((account, region), made)


class ElastiCache(BaseResponse):
    """Requests to the service; its operations are put here by :func:`install`."""

    controls: Controls

    def __init__(self) -> None:
        super().__init__(service_name="elasticache")
        self.automated_parameter_parsing = True


def install(settings: Settings) -> Controls:
    """Answer every operation of :data:`OPERATIONS`, and no other, before the first request."""
    controls = Controls(settings)
    ElastiCache.controls = controls
    for name, handler in OPERATIONS.items():
        setattr(ElastiCache, camelcase_to_underscores(name), _method(handler))
    moto.elasticache.urls.url_paths["{0}/$"] = ElastiCache.dispatch
    return controls


def _method(handler: Handler) -> Callable[[ElastiCache], ActionResult]:
    def answer(response: ElastiCache) -> ActionResult:
        control = response.controls.get(response.current_account, response.region)
        params = plain(response.params)
        with control.lock:
            return ActionResult(handler(control, params))

    return answer


def plain(value: Any) -> Any:  # noqa: ANN401 - any part of a request
    """A request as the model names it, without what was not given."""
    if isinstance(value, XFormedDict):
        value = value.original_dict()
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value
