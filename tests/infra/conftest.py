"""What all tests of the program look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from infra.apiserver import ApiServer, running
from infra.definitions import definitions
from infra.rendering import STACKS, Rendering, render
from stack import StackError, tools


@pytest.fixture(params=STACKS)
def rendering(request: pytest.FixtureRequest) -> Rendering:
    return render(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that knows the custom resources."""
    try:
        programs, known = tools.install_kubernetes(), list(definitions())
    except StackError as error:
        pytest.skip(str(error))
    with running(programs, tmp_path_factory.mktemp("kubernetes")) as server:
        for definition in known:
            server.define(definition)
        yield server
