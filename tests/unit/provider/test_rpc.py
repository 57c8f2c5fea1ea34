from __future__ import annotations

import json
from collections.abc import Callable
from typing import ClassVar

import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2 as proto

from holdfast.errors import ConfigError, StoreUnavailable
from provider.codec import Decoded, decode
from provider.diffs import DiffResult, compare_inputs
from provider.engine import EngineLog
from provider.fields import Fields
from provider.package import Package
from provider.resource import (
    CheckResult,
    Context,
    Created,
    Failure,
    Found,
    PartialFailure,
    Resource,
    Severity,
    Stored,
)
from provider.rpc import Servicer, _failures
from provider.values import UNKNOWN, Properties
from tests.unit.provider.grpc_context import Aborted, call, marshalled, urn

_TOKEN = "holdfast:index:Box"
_SECRET = "hidden-value"


class Box(Resource):
    """Holds a text; fails as its ``fails`` input says."""

    token: ClassVar[str] = _TOKEN
    computed: ClassVar[frozenset[str]] = frozenset({"key", "size"})
    secret_outputs: ClassVar[frozenset[str]] = frozenset({"key"})
    refresh_before_update: ClassVar[bool] = True

    def __init__(self) -> None:
        self.contexts: list[Context] = []
        self.stored: list[Stored] = []

    def check(self, old: Properties, new: Properties, context: Context) -> CheckResult:
        if new.get("content") == "rude":
            raise ConfigError("content", "rude", "a polite text", "rephrase it")
        fields = Fields(new)
        fields.text("content", secret=True)
        fields.any("fails", default="")
        fields.integer("size", low=1, high=9, default=5)
        return fields.result()

    def diff(self, stored: Stored, inputs: Properties, context: Context) -> DiffResult:
        self.stored.append(stored)
        return compare_inputs(
            stored.inputs,
            inputs,
            replace_on={"size"},
            stables={"key"},
            delete_before_replace=True,
        )

    def create(self, inputs: Properties, context: Context) -> Created:
        self.contexts.append(context)
        self._fail(inputs)
        return Created("box-1", {**inputs, "key": "k1"})

    def read(self, stored: Stored, context: Context) -> Found | None:
        if stored.id == "gone":
            return None
        return Found({**stored.outputs, "found": "yes"})

    def update(self, stored: Stored, inputs: Properties, context: Context) -> Properties:
        self._fail(inputs)
        return {**inputs, "key": "k2"}

    def delete(self, stored: Stored, context: Context) -> None:
        self.stored.append(stored)

    def _fail(self, inputs: Properties) -> None:
        content = inputs["content"]
        match inputs.get("fails"):
            case "partial":
                outputs = {**inputs, "key": "k0"}
                raise PartialFailure("box-0", outputs, f"no answer from {content}", "gave up")
            case "outage":
                raise StoreUnavailable(f"{content} is not there")
            case "disk":
                raise OSError(28, "No space left on device", "/data/aof")
            case "bug":
                raise KeyError(content)
            case _:
                return


class Recorder(EngineLog):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[tuple[Severity, str, str]] = []

    def send(self, severity: Severity, message: str, urn: str, *, ephemeral: bool) -> None:
        self.messages.append((severity, message, urn))


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def log() -> Recorder:
    return Recorder()


@pytest.fixture
def servicer(box: Box, log: Recorder) -> Servicer:
    return Servicer(Package("holdfast", "1.2.3", [box]), log)


def _create(inputs: Properties, *, preview: bool = False) -> proto.CreateRequest:
    properties = marshalled(inputs, ("content",))
    return proto.CreateRequest(urn=urn(_TOKEN), properties=properties, preview=preview, timeout=12)


def _check(servicer: Servicer, inputs: Properties) -> proto.CheckResponse:
    news = marshalled(inputs, ("content",))
    return servicer.check(proto.CheckRequest(urn=urn(_TOKEN), news=news), call())


def test_check_completes_inputs_and_keeps_secrets_secret(servicer: Servicer) -> None:
    response = _check(servicer, {"content": _SECRET})
    assert decode(response.inputs) == Decoded(
        {"content": _SECRET, "fails": "", "size": 5}, frozenset({("content",)})
    )
    assert not response.failures


def test_check_passes_unknowns_on(servicer: Servicer) -> None:
    response = _check(servicer, {"content": UNKNOWN})
    assert decode(response.inputs).values["content"] is UNKNOWN


def test_check_failures_name_the_property(servicer: Servicer) -> None:
    [failure] = _check(servicer, {"content": _SECRET, "size": 12}).failures
    assert failure.property == "size"
    assert failure.reason == "size: got 12, need a whole number from 1 to 9; correct it"


def test_a_config_error_in_check_is_a_failure_of_its_property(servicer: Servicer) -> None:
    [failure] = _check(servicer, {"content": "rude"}).failures
    assert failure.reason.startswith("content: ")
    assert "need a polite text; rephrase it" in failure.reason


def test_a_failure_does_not_make_the_engine_print_a_secret_or_a_whole_map() -> None:
    source = Decoded({"content": _SECRET, "size": {"a": 1}}, frozenset({("content",)}))
    failures = (Failure("content", f"content: got {_SECRET}"), Failure("size", "size: got a map"))
    assert [(item.property, item.reason) for item in _failures(failures, source)] == [
        ("", "content: got [secret]"),
        ("", "size: got a map"),
    ]


def test_diff_tells_replacements_by_property(servicer: Servicer, box: Box) -> None:
    request = proto.DiffRequest(
        id="box-1",
        urn=urn(_TOKEN),
        olds=marshalled({"content": "x", "size": 5, "key": "k1"}, ("key",)),
        old_inputs=marshalled({"content": "x", "size": 5}),
        news=marshalled({"content": "y", "size": 6}),
    )
    response = servicer.diff(request, call())
    assert response.changes == proto.DiffResponse.DIFF_SOME
    assert list(response.replaces) == ["size"]
    assert response.deleteBeforeReplace
    assert list(response.stables) == ["key"]
    assert response.hasDetailedDiff
    assert response.detailedDiff["content"].kind == proto.PropertyDiff.UPDATE
    assert response.detailedDiff["size"].kind == proto.PropertyDiff.UPDATE_REPLACE
    assert response.detailedDiff["content"].inputDiff
    [stored] = box.stored
    assert stored == Stored(
        "box-1", {"content": "x", "size": 5}, {"content": "x", "size": 5, "key": "k1"}
    )


def test_diff_of_equal_inputs_is_none(servicer: Servicer) -> None:
    same = marshalled({"content": "x"})
    request = proto.DiffRequest(urn=urn(_TOKEN), olds=same, old_inputs=same, news=same)
    response = servicer.diff(request, call())
    assert response.changes == proto.DiffResponse.DIFF_NONE
    assert not response.deleteBeforeReplace


def test_create_wraps_secret_outputs_and_echoed_secret_inputs(servicer: Servicer) -> None:
    response = servicer.create(_create({"content": _SECRET, "size": 5}), call())
    assert response.id == "box-1"
    assert response.refresh_before_update
    assert decode(response.properties) == Decoded(
        {"content": _SECRET, "size": 5, "key": "k1"}, frozenset({("content",), ("key",)})
    )


def test_the_context_tells_where_the_resource_belongs(servicer: Servicer, box: Box) -> None:
    servicer.create(_create({"content": "x"}), call())
    [context] = box.contexts
    assert context.owner == "shop/dev"
    assert context.name == "it"
    assert context.timeout_seconds == 12
    assert not context.preview


def test_a_previewed_create_makes_nothing_and_leaves_outputs_unknown(
    servicer: Servicer, box: Box
) -> None:
    response = servicer.create(_create({"content": UNKNOWN, "size": 5}, preview=True), call())
    assert response.id == ""
    assert decode(response.properties).values == {
        "content": UNKNOWN,
        "size": UNKNOWN,
        "key": UNKNOWN,
    }
    assert decode(response.properties).secrets == {("content",), ("key",)}
    assert not box.contexts


def _update(news: Properties, *, preview: bool = False) -> proto.UpdateRequest:
    return proto.UpdateRequest(
        id="box-1",
        urn=urn(_TOKEN),
        olds=marshalled({"content": "x", "key": "k1"}, ("key",)),
        old_inputs=marshalled({"content": "x"}),
        news=marshalled(news, ("content",)),
        preview=preview,
    )


def test_update_returns_the_new_outputs(servicer: Servicer) -> None:
    response = servicer.update(_update({"content": _SECRET}), call())
    assert decode(response.properties) == Decoded(
        {"content": _SECRET, "key": "k2"}, frozenset({("content",), ("key",)})
    )


def test_a_previewed_update_keeps_stable_outputs(servicer: Servicer) -> None:
    response = servicer.update(_update({"content": "y"}, preview=True), call())
    values = decode(response.properties).values
    assert values == {"content": "y", "key": "k1", "size": UNKNOWN}


def test_read_keeps_what_was_secret(servicer: Servicer) -> None:
    request = proto.ReadRequest(
        id="box-1",
        urn=urn(_TOKEN),
        properties=marshalled({"content": _SECRET, "key": "k1"}, ("content",), ("key",)),
        inputs=marshalled({"content": _SECRET}, ("content",)),
    )
    response = servicer.read(request, call())
    assert response.id == "box-1"
    assert decode(response.properties) == Decoded(
        {"content": _SECRET, "key": "k1", "found": "yes"}, frozenset({("content",), ("key",)})
    )
    assert decode(response.inputs).secrets == {("content",)}


def test_reading_what_is_gone_answers_without_an_id(servicer: Servicer) -> None:
    response = servicer.read(proto.ReadRequest(id="gone", urn=urn(_TOKEN)), call())
    assert response.id == ""


def test_delete_passes_id_inputs_and_outputs(servicer: Servicer, box: Box) -> None:
    request = proto.DeleteRequest(
        id="box-1",
        urn=urn(_TOKEN),
        properties=marshalled({"key": "k1"}),
        old_inputs=marshalled({"content": "x"}),
    )
    servicer.delete(request, call())
    assert box.stored == [Stored("box-1", {"content": "x"}, {"key": "k1"})]


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_partial_failure_keeps_what_exists_with_its_secrets_wrapped(
    servicer: Servicer, operation: str
) -> None:
    inputs = {"content": _SECRET, "fails": "partial"}
    operations: dict[str, Callable[[], object]] = {
        "create": lambda: servicer.create(_create(inputs), call()),
        "update": lambda: servicer.update(_update(inputs), call()),
    }
    with pytest.raises(Aborted) as aborted:
        operations[operation]()
    kept = aborted.value.kept
    assert kept.id == "box-0"
    assert list(kept.reasons) == ["no answer from [secret]", "gave up"]
    assert kept.refresh_before_update
    assert decode(kept.properties) == Decoded(
        {**inputs, "key": "k0"}, frozenset({("content",), ("key",)})
    )
    assert _SECRET not in str(aborted.value)


@pytest.mark.parametrize(
    ("fails", "message"),
    [
        ("outage", "[secret] is not there"),
        ("disk", "/data/aof: No space left on device"),
        ("bug", "internal error in holdfast: KeyError: '[secret]'"),
    ],
)
def test_errors_reach_the_engine_as_one_line_without_secrets(
    servicer: Servicer, fails: str, message: str
) -> None:
    with pytest.raises(Aborted) as aborted:
        servicer.create(_create({"content": _SECRET, "fails": fails}), call())
    assert aborted.value.status.details == message
    assert not aborted.value.status.trailing_metadata


def test_the_traceback_of_a_bug_goes_to_the_debug_log_alone(
    servicer: Servicer, log: Recorder
) -> None:
    with pytest.raises(Aborted):
        servicer.create(_create({"content": _SECRET, "fails": "bug"}), call())
    [(severity, text, about)] = log.messages
    assert severity is Severity.DEBUG
    assert about == urn(_TOKEN)
    assert "Traceback" in text
    assert _SECRET not in text


def test_an_unknown_type_is_refused_by_name(servicer: Servicer) -> None:
    request = proto.ReadRequest(id="1", urn=urn("holdfast:index:Bax"))
    with pytest.raises(Aborted, match=r"got 'holdfast:index:Bax', need one that holdfast 1\.2\.3"):
        servicer.read(request, call())


def test_the_type_of_a_child_is_the_last_in_its_urn(servicer: Servicer) -> None:
    nested = urn(f"holdfast:index:Parent${_TOKEN}")
    response = servicer.read(proto.ReadRequest(id="box-1", urn=nested), call())
    assert response.id == "box-1"


def test_cancel_reaches_running_operations(servicer: Servicer, box: Box) -> None:
    servicer.create(_create({"content": "x"}), call())
    [context] = box.contexts
    context.check_cancelled()
    servicer.cancel(Empty(), call())
    with pytest.raises(Exception, match="stopped by the user"):
        context.wait(60)


def test_session_calls_answer(servicer: Servicer) -> None:
    assert servicer.get_plugin_info(Empty(), call()).version == "1.2.3"
    schema = json.loads(servicer.get_schema(proto.GetSchemaRequest(), call()).schema)
    assert schema == {"name": "holdfast", "version": "1.2.3", "resources": {_TOKEN: {}}}
    assert servicer.handshake(proto.ProviderHandshakeRequest(), call()).accept_secrets
    configured = servicer.configure(proto.ConfigureRequest(), call())
    assert configured.acceptSecrets
    assert configured.supportsPreview
    config = marshalled({"region": "x"})
    checked = servicer.check_config(proto.CheckRequest(news=config), call())
    assert checked.inputs == config


def test_a_function_that_the_package_lacks_is_refused(servicer: Servicer) -> None:
    with pytest.raises(Aborted, match="need a function of holdfast"):
        servicer.invoke(proto.InvokeRequest(tok="holdfast:index:find"), call())
