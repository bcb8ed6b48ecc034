"""Conversations with the whole presence server, authentication off."""

from pathlib import Path

import pytest

from tests.support.script import ScriptError, read_script
from tests.support.server_party import replay

SCRIPTS = sorted((Path(__file__).parent / "server").glob("*.sip"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_script(path: Path) -> None:
    replay(read_script(path.read_text(encoding="utf-8"), path.name))


def test_a_recording_that_the_server_does_not_keep_to_fails() -> None:
    text = (SCRIPTS[0].parent / "baresip.sip").read_text(encoding="utf-8")
    with pytest.raises(ScriptError, match="expected '412"):
        replay(read_script(text.replace("receives: 200", "receives: 412", 1)))
