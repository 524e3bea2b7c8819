"""What a repeated request is answered, by what is known about its key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_gateway.edge import parse_idempotency_key
from realchat_gateway.idempotency import Record, fingerprint, record_key, replay

from realchat_common.errors import Code, RealChatError

VISIBLE = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"'), min_size=1, max_size=255
)


def test_the_same_request_gets_the_same_answer() -> None:
    answer = replay(Record("this", 201, '{"a":1}'), "this")
    assert (answer.status_code, answer.body) == (201, b'{"a":1}')
    assert answer.headers["idempotency-replayed"] == "true"


def test_an_answer_without_a_body_stays_without() -> None:
    answer = replay(Record("this", 204), "this")
    assert (answer.status_code, answer.body) == (204, b"")
    assert "content-type" not in answer.headers


def test_another_request_with_the_same_key_is_refused() -> None:
    with pytest.raises(RealChatError) as refused:
        replay(Record("this", 201, "{}"), "that")
    assert refused.value.code is Code.IDEMPOTENCY_MISMATCH


def test_a_request_that_is_worked_on_is_not_done_again() -> None:
    with pytest.raises(RealChatError) as refused:
        replay(Record("this"), "this")
    assert refused.value.code is Code.REQUEST_IN_PROGRESS
    assert refused.value.retry_after


def test_method_path_and_body_make_a_request() -> None:
    requests = [("POST", "/a", b"{}"), ("PUT", "/a", b"{}"), ("POST", "/b", b"{}"), ("POST", "/a", b"{ }")]
    assert len({fingerprint(*request) for request in requests}) == len(requests)


def test_a_key_belongs_to_one_user() -> None:
    assert record_key("alice", "1") != record_key("bob", "1")


@given(VISIBLE)
def test_a_key_is_read_with_and_without_quotes(key: str) -> None:
    assert parse_idempotency_key(f'"{key}"') == parse_idempotency_key(key) == key


@pytest.mark.parametrize("header", ["", '""', '"', 'a"b', "two words", "\x00", "ä", "a" * 256, '"' + "a" * 256 + '"'])
def test_what_is_no_key_is_refused(header: str) -> None:
    with pytest.raises(RealChatError) as refused:
        parse_idempotency_key(header)
    assert refused.value.field == "Idempotency-Key"
