"""Each alert fires for its cause and for nothing else, as promtool sees it."""

from __future__ import annotations

import subprocess

from observe.dashboards import FOLDER
from stack.tools import install_observers


def test_alerts_fire_when_they_should() -> None:
    promtool = install_observers().prometheus.with_name("promtool")
    for command in (["check", "rules", "rules.yaml"], ["test", "rules", "rules_test.yaml"]):
        result = subprocess.run([promtool, *command], cwd=FOLDER.parent, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
