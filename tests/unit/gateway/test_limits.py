"""Whom a rate limit counts, and how it is told."""

from __future__ import annotations

import pytest
from realchat_gateway.limits import Quota, address_group


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_customer_is_one_address(host: str, group: str) -> None:
    assert address_group(host) == group


def test_a_quota_is_told_as_the_draft_says() -> None:
    quota = Quota(policy="write", limit=600, window=60, remaining=599, reset=42, granted=True)
    assert quota.headers() == {"RateLimit-Policy": '"write";q=600;w=60', "RateLimit": '"write";r=599;t=42'}
