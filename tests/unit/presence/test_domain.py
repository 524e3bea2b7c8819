"""One state of many devices."""

from __future__ import annotations

import pytest
from realchat_presence.domain import Status, status_of


@pytest.mark.parametrize(
    ("active", "away", "status"),
    [
        (0, 0, Status.OFFLINE),
        (0, 1, Status.AWAY),
        (0, 7, Status.AWAY),
        (1, 0, Status.ONLINE),
        (1, 7, Status.ONLINE),
    ],
)
def test_the_most_present_device_speaks_for_the_user(active: int, away: int, status: Status) -> None:
    assert status_of(active, away) is status
