"""A stack on AWS where nobody is logged in, through the real engine.

Emulation: the stand-in plugin on this machine; the official plugin and AWS were not run.
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.aws.standin_project import ENGINE_SECONDS, environment
from tests.engine import Engine
from tests.standin.aws.install import is_standin


@pytest.mark.timeout(300)
def test_without_a_login_a_preview_ends_with_the_way_to_one_before_any_call(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        engine = Engine.of_checkout(tmp_path)
        engine.use_aws(environment(f"http://127.0.0.1:{nobody.getsockname()[1]}"))
        if not is_standin(engine.plugin):
            pytest.skip("the official plugin is here: nothing stands in for it")
        for name in [name for name in engine.environment if name.startswith("AWS_")]:
            if name not in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED"):
                del engine.environment[name]
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            engine.environment[name] = str(tmp_path / "absent")
        engine.set_config("target", "aws")
        engine.set_config("region", "eu-west-1")
        refused = engine.run("preview", fails=True, deadline_seconds=ENGINE_SECONDS)
        nobody.settimeout(0)
        with pytest.raises(BlockingIOError):
            nobody.accept()
    told = refused.stdout.partition("Diagnostics:")[2]
    assert told.count("AWS credentials: got 'none'") == told.count("error:") == 1
    assert "Resources:\n    + 1 to create" in told
    assert "AWS_PROFILE" in told
    assert "Traceback" not in refused.shown
