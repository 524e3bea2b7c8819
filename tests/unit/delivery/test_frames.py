"""What clients may send, and what becomes of anything else."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from realchat_delivery.codec import BadFrameError, JsonCodec, text_frame
from realchat_delivery.frames import Resume, Send
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from realchat_common.errors import Code

CODEC = JsonCodec()


def refused(text: str) -> BadFrameError:
    with pytest.raises(BadFrameError) as caught:
        CODEC.decode(text)
    return caught.value


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '"auth"', "\ufeff{}", '{"type":"ping"} {}', "\x00", "NaN"]
)
def test_what_is_no_json_object_is_malformed(text: str) -> None:
    assert refused(text).error.code is Code.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"id":"7"}', "type"),
        ('{"id":"7","type":"dance"}', "type"),
        ('{"id":"7","type":3}', "type"),
        ('{"id":"7","type":"ping","loud":true}', "loud"),
        ('{"id":"7","type":"auth","token":7}', "token"),
        ('{"id":"7","type":"send","conversation_id":"c","client_message_id":"","body":"b"}', "client_message_id"),
        ('{"id":"7","type":"send","conversation_id":"c","client_message_id":"m"}', "body"),
        ('{"id":"7","type":"send","conversation_id":"c","client_message_id":"m","body":["b"]}', "body"),
        ('{"id":"7","type":"resume","conversations":{"c":-1}}', "conversations"),
        ('{"id":"7","type":"resume","conversations":{"c":1.5}}', "conversations"),
        ('{"id":"7","type":"resume","conversations":{"c":99999999999999999999999}}', "conversations"),
        ('{"id":"7","type":"resume","conversations":{"c":1e999}}', "conversations"),
        ('{"id":"7","type":"resume","conversations":[]}', "conversations"),
    ],
)
def test_a_wrong_frame_is_named_by_its_field_and_id(text: str, field: str) -> None:
    bad = refused(text)
    assert (bad.error.code, bad.error.field, bad.frame_id) == (Code.INVALID_ARGUMENT, field, "7")


@pytest.mark.parametrize("identifier", ['"' + "x" * 65 + '"', "7", "{}", "null"])
def test_an_id_that_cannot_be_echoed_is_not(identifier: str) -> None:
    assert refused(f'{{"id":{identifier},"type":"dance"}}').frame_id is None


def test_too_many_conversations_in_a_resume_are_refused() -> None:
    text = json.dumps({"type": "resume", "conversations": {str(number): 0 for number in range(1_001)}})
    assert refused(text).error.field == "conversations"


@pytest.mark.parametrize("opening", ["[", '{"id":', '{"type":"auth","token":[', '{"a":{"b":['])
def test_deep_nesting_is_refused(opening: str) -> None:
    assert refused(opening * 10_000).error.code in (Code.MALFORMED_REQUEST, Code.INVALID_ARGUMENT)


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refused('{"type":"auth","token":"\\ud800"}').error.code is Code.MALFORMED_REQUEST


def test_a_long_wrong_value_is_not_echoed_in_full() -> None:
    assert len(refused(json.dumps({"type": "x" * 50_000})).error.detail) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    ["type", "id", "token", "ticket", "conversations", "conversation_id", "client_message_id", "body", "reply_to"]
)
TYPES = st.sampled_from(["auth", "resume", "send", "ping", "pong", "dance"])


@given(st.text() | JSON.map(json.dumps) | st.dictionaries(FIELDS, JSON | TYPES).map(json.dumps))
def test_anything_is_a_frame_or_a_refusal(text: str) -> None:
    with suppress(BadFrameError):
        CODEC.decode(text)


def test_frames_are_read() -> None:
    assert CODEC.decode('{"type":"send","conversation_id":"c","client_message_id":"m","body":"é"}') == Send(
        conversation_id="c", client_message_id="m", body="é"
    )
    assert CODEC.decode('{"id":"2","type":"resume","conversations":{"c":3}}') == Resume(id="2", conversations={"c": 3})


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_prepared_frames_are_those_of_the_websocket_protocol(size: int) -> None:
    reader = StreamReader()
    reader.feed_data(text_frame(b"x" * size))
    parsing = Frame.parse(reader.read_exact, mask=False)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    frame: Frame = done.value.value
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.TEXT, True, b"x" * size)
