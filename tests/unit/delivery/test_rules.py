"""Who reads what, and how fast a client may go."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from realchat_delivery.domain import TYPING_PACE_SECONDS, TYPING_SECONDS, Audience, Reader, TokenBucket, TypingPace

USERS = ("alice", "bob", "carol")


@st.composite
def readers(draw: st.DrawFn) -> list[Reader]:
    """Spans of a few users, each of whom may have come and gone several times."""
    spans: list[Reader] = []
    for user in USERS:
        marks = sorted(draw(st.sets(st.integers(1, 20), max_size=5)))
        for index in range(0, len(marks), 2):
            until = marks[index + 1] if index + 1 < len(marks) else 0
            spans.append(Reader(user, marks[index], until))
    return draw(st.permutations(spans))


@given(readers(), st.integers(1, 25), st.integers(0, 5))
def test_recipients_of_a_run_are_exactly_those_who_may_read_each_event(
    spans: list[Reader], first_seq: int, more: int
) -> None:
    audience = Audience.of(20, spans)
    recipients = audience.recipients(first_seq, first_seq + more)
    for seq in range(first_seq, first_seq + more + 1):
        gets = set(recipients.whole) | {
            part.user_id for part in recipients.partial if part.from_seq <= seq <= part.until_seq
        }
        assert gets == {user for user in USERS if audience.may_read(user, seq)}


def test_a_removed_member_gets_their_own_removal_and_nothing_after_it() -> None:
    audience = Audience.of(5, [Reader("alice", 1, 0), Reader("bob", 1, 5)])
    assert audience.may_read("bob", 5)
    assert not audience.may_read("bob", 6)
    assert audience.recipients(5, 6) == (["alice"], [Reader("bob", 5, 5)])
    assert set(audience.recipients(6, 6).whole) == {"alice"}


def test_a_newcomer_does_not_get_what_was_before() -> None:
    audience = Audience.of(5, [Reader("alice", 1, 0), Reader("bob", 5, 0)])
    assert not audience.may_read("bob", 4)
    assert audience.recipients(4, 4) == (["alice"], [])
    assert set(audience.recipients(5, 9).whole) == {"alice", "bob"}


def test_who_came_back_does_not_get_what_was_said_in_their_absence() -> None:
    audience = Audience.of(9, [Reader("bob", 1, 5), Reader("bob", 9, 0)])
    assert [seq for seq in range(1, 12) if audience.may_read("bob", seq)] == [1, 2, 3, 4, 5, 9, 10, 11]


def test_a_bucket_gives_its_burst_at_once_and_then_its_rate() -> None:
    bucket = TokenBucket(per_second=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(0) == 0.5
    assert bucket.take(0.5) == 0
    assert bucket.take(0.75) == 0.25


@given(st.lists(st.floats(0, 0.2), max_size=200))
def test_no_more_than_burst_and_rate_get_through(pauses: list[float]) -> None:
    bucket = TokenBucket(per_second=10, burst=5, now=0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0
        assert taken <= 5 + 10 * now + 1e-6


def test_waiting_as_long_as_told_is_enough() -> None:
    bucket = TokenBucket(per_second=3, burst=1, now=0)
    bucket.take(0)
    wait = bucket.take(0.1)
    assert bucket.take(0.1 + wait + 1e-9) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 3))))
def test_what_comes_too_often_or_changes_nothing_is_not_told(said: list[tuple[str, bool, float]]) -> None:
    pace = TypingPace()
    now = 0.0
    told: dict[str, list[tuple[float, bool]]] = {}
    for place, starts, after in said:
        now += after
        if pace.tells(place, starts=starts, now=now):
            told.setdefault(place, []).append((now, starts))
    for news in told.values():
        starts_at = [at for at, starts in news if starts]
        assert all(later - at >= TYPING_PACE_SECONDS for at, later in pairwise(starts_at))
        assert news[0][1], "nobody stops who has not begun"
        assert all(one or other for (_, one), (_, other) in pairwise(news)), "nobody stops twice"


def test_one_device_types_in_few_conversations_at_once() -> None:
    pace = TypingPace()
    assert [pace.tells(str(place), starts=True, now=0) for place in range(9)] == [True] * 8 + [False]
    assert pace.tells("8", starts=True, now=TYPING_SECONDS)
