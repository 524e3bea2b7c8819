"""What the README tells people to type is what the gate runs."""

from __future__ import annotations

import re

from stack import paths


def commands() -> list[str]:
    """The commands in the README's shell blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", (paths.ROOT / "README.md").read_text(), re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_every_command_of_the_readme_is_run_by_the_gate() -> None:
    gate = (paths.ROOT / ".ci" / "run").read_text()
    assert commands()
    missing = [
        command for command in commands() if not re.search(rf"^stage .* {re.escape(command)}( |$)", gate, re.MULTILINE)
    ]
    assert missing == []
