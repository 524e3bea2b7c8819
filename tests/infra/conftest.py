"""What all tests of the program look at."""

from __future__ import annotations

import pytest
from infra.rendering import STACKS, Rendering, render


@pytest.fixture(params=STACKS)
def rendering(request: pytest.FixtureRequest) -> Rendering:
    return render(request.param)
