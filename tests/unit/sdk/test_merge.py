"""The SDK's merge rules: in whatever order events arrive, with repair of what is lost, one state results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realchat.models import Event, InboxEntry, Member, Page, Receipt
from realchat.ordering import Cursor, Gap
from realchat.view import MOST_HELD, Talk

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may have more to do."""
ME, OTHERS = "me", ("ann", "bob")
FOR_EVER = 10**9
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Log:
    """A conversation as the server has it: events as they were sent live, and as they are read now."""

    live: list[Event] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)
    edited: dict[str, datetime] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    reactions: dict[str, set[str]] = field(default_factory=dict)
    """Message to who gave it the one emoji of this town."""
    spans: list[tuple[int, int]] = field(default_factory=lambda: [(1, FOR_EVER)])
    """What the reader may read."""

    def add(self, event_kind: str, actor: str, /, **data: Any) -> Event:
        seq = len(self.live) + 1
        event = Event(
            conversation_id="talk",
            seq=seq,
            event_id=f"e{seq}",
            kind=event_kind,
            actor_id=actor,
            at=BEGIN + timedelta(seconds=seq),
            data=data,
        )
        self.live.append(event)
        return event

    def may_read(self, seq: int) -> bool:
        return any(low <= seq <= high for low, high in self.spans)

    def now(self, event: Event) -> Event:
        """An event as it is read later: edits folded in, bodies of the deleted gone."""
        name = event.data.get("message_id", "")
        data = dict(event.data)
        if event.kind == "message.sent":
            edited_at = self.edited.get(name)
            data |= {
                "body": "" if name in self.deleted else self.bodies[name],
                "deleted": name in self.deleted,
                "edited_at": edited_at.isoformat() if edited_at else None,
            }
            if (given := self.reactions.get(name)) and name not in self.deleted:
                data["reactions"] = [{"emoji": "+", "count": len(given), "mine": ME in given}]
        elif event.kind == "message.edited":
            data |= {"body": "" if name in self.deleted else self.bodies[name], "deleted": name in self.deleted}
        return Event(**{name: getattr(event, name) for name in Event.__struct_fields__ if name != "data"}, data=data)

    def visible(self) -> list[Event]:
        return [event for event in self.live if self.may_read(event.seq)]

    def page(self, after: int, limit: int = 3) -> Page:
        found = [self.now(event) for event in self.visible() if event.seq > after]
        return Page(events=found[:limit], last_seq=len(self.live), has_more=len(found) > limit)

    def before(self, seq: int, limit: int = 3) -> Page:
        found = [self.now(event) for event in self.visible() if event.seq < seq]
        return Page(events=found[-limit:], last_seq=len(self.live), has_more=len(found) > limit)

    def unread(self, read_up_to: int) -> int:
        return sum(
            1
            for event in self.visible()
            if event.kind == "message.sent"
            and event.actor_id != ME
            and event.seq > read_up_to
            and event.data["message_id"] not in self.deleted
        )

    def entry(self, read_up_to: int) -> InboxEntry:
        messages = [event for event in self.visible() if event.kind == "message.sent"]
        return InboxEntry(
            conversation_id="talk",
            kind="group",
            title="Tea",
            created_at=BEGIN,
            member_count=3,
            role="member",
            members=[Member(user_id=name, role="member") for name in (ME, *OTHERS)],
            last_seq=len(self.live),
            last_activity_at=self.live[-1].at,
            last_message=self.now(messages[-1]) if messages else None,
            receipt=Receipt(user_id=ME, delivered_up_to=read_up_to, read_up_to=read_up_to),
            unread_count=self.unread(read_up_to),
        )


def created() -> Log:
    log = Log()
    members = [{"user_id": name, "role": "member"} for name in (ME, *OTHERS)]
    log.add("conversation.created", "ann", kind="group", title="Tea", members=members)
    return log


def act(log: Log, what: str, who: str, which: int) -> None:
    """Does something, if it makes sense now."""
    names = list(log.bodies)
    if what == "send":
        name = f"m{len(log.live) + 1}"
        log.bodies[name] = f"body of {name}"
        log.add(
            "message.sent", who, message_id=name, client_message_id=name, body=log.bodies[name], reply_to=None,
            deleted=False, edited_at=None,
        )  # fmt: skip
    elif what in ("edit", "delete") and names and log.spans[-1][1] == FOR_EVER:
        # What happens to a message while one is out is seen only by who reads it afterwards; no rule can tell.
        name = names[which % len(names)]
        if name in log.deleted:
            return
        if what == "edit":
            log.bodies[name] = f"edited {len(log.live)}"
            event = log.add("message.edited", who, message_id=name, body=log.bodies[name], deleted=False)
            log.edited[name] = event.at
        else:
            log.deleted.add(name)
            log.add("message.deleted", who, message_id=name)
    elif what == "react" and names and log.spans[-1][1] == FOR_EVER:
        name = names[which % len(names)]
        if name not in log.deleted:
            given = log.reactions.setdefault(name, set())
            given ^= {who}
            kind = "reaction.added" if who in given else "reaction.removed"
            log.add(kind, who, message_id=name, emoji="+", count=len(given))
    elif what == "rename":
        log.add("conversation.renamed", who, title=f"title {len(log.live)}")
    elif what == "role":
        log.add("role.changed", who, user_id=who, role="admin")
    elif what == "out" and log.spans[-1][1] == FOR_EVER:
        event = log.add("member.removed", "ann", user_id=ME)
        log.spans[-1] = (log.spans[-1][0], event.seq)
    elif what == "in" and log.spans[-1][1] != FOR_EVER:
        event = log.add("members.added", "ann", members=[{"user_id": ME, "role": "member"}])
        log.spans.append((event.seq, FOR_EVER))
    elif what == "new kind":
        log.add("poll.opened", who, question="?")


WHAT = ("send", "send", "send", "edit", "delete", "react", "react", "rename", "role", "new kind", "out", "in")
ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["send", "send", "send", "edit", "delete", "react", "react", "rename", "role", "new kind", "out", "in"]
        ),
        st.sampled_from((ME, *OTHERS)),
        st.integers(0, 50),
    ),
    max_size=25,
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    log = created()
    for what, who, which in draw(ACTS):
        act(log, what, who, which)
    return log


def fresh() -> Talk:
    return Talk("talk", ME, Cursor(0, MOST_HELD), first_seq=1)


def state(talk: Talk) -> dict[str, Any]:
    return {
        "kind": talk.kind,
        "title": talk.title,
        "joined": talk.joined,
        "members": talk.members,
        "member_count": talk.member_count,
        "messages": talk.timeline(),
        "last": talk.last_message,
        "unread": talk.unread_count,
        "at": talk.last_activity_at,
    }


def repair(talk: Talk, log: Log) -> None:
    while gap := talk.gap:
        talk.fill(gap, log.page(gap.after))


@settings(UNTIMED, max_examples=300)
@given(log=logs(), data=st.data())
def test_any_order_repetition_and_loss_with_repair_ends_in_the_same_state(log: Log, data: st.DataObject) -> None:
    visible = log.visible()
    read_up_to = data.draw(st.integers(0, len(log.live)), "read up to")
    told = Receipt(user_id=ME, delivered_up_to=read_up_to, read_up_to=read_up_to)
    model = fresh()
    for event in visible:
        model.offer(event)
        repair(model, log)  # over what may not be read
    model.heard(told)

    talk = fresh()
    arrivals = data.draw(st.lists(st.sampled_from(visible), max_size=2 * len(visible)), "arrivals")
    told_at = data.draw(st.integers(0, len(arrivals)), "told at")
    for place, event in enumerate(arrivals):
        if place == told_at:
            talk.heard(told)
        talk.offer(event)
        if data.draw(st.booleans(), "repair"):
            repair(talk, log)
    talk.heard(told)
    talk.cursor.miss(visible[-1].seq)  # a resume tells where the log ends
    repair(talk, log)
    assert state(talk) == state(model)
    assert talk.unread_count == log.unread(read_up_to)
    assert talk.last_seq == visible[-1].seq
    for message in talk.timeline():
        given = log.reactions.get(message.message_id, set()) if not message.deleted else set()
        assert (message.reactions.get("+", 0), "+" in message.mine) == (len(given), ME in given)


@settings(UNTIMED, max_examples=200)
@given(acts=ACTS, data=st.data())
def test_what_begins_with_a_snapshot_counts_as_the_log_does(
    acts: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    log = created()
    at = data.draw(st.integers(0, len(acts)), "snapshot at")
    acts = [one for one in acts if one[0] not in ("in", "out")]
    for one in acts[:at]:
        act(log, *one)
    read_up_to = data.draw(st.integers(0, len(log.live)), "read before")
    talk = fresh()
    talk.restart(log.entry(read_up_to))
    for one in acts[at:]:
        act(log, *one)
        if data.draw(st.booleans(), "arrives"):
            talk.offer(log.live[-1])
        if data.draw(st.booleans(), "older"):
            talk.extend(log.before(talk.first_seq))
        if data.draw(st.booleans(), "read"):
            read_up_to = max(read_up_to, data.draw(st.integers(0, talk.last_seq), "up to"))
            talk.heard(Receipt(user_id=ME, delivered_up_to=read_up_to, read_up_to=read_up_to))
    talk.cursor.miss(len(log.live))
    repair(talk, log)
    if talk.is_stale:
        talk.snapshot(log.entry(read_up_to))
    assert not talk.is_stale
    assert talk.unread_count == log.unread(read_up_to)
    while talk.first_seq > 1:
        talk.extend(log.before(talk.first_seq))
    assert talk.unread_count == log.unread(read_up_to)
    now = [log.now(event) for event in log.live if event.kind == "message.sent"]
    assert [(message.message_id, message.body, message.deleted) for message in talk.timeline()] == [
        (event.message_id, event.body, event.data["deleted"]) for event in now
    ]


def test_a_deletion_that_an_older_page_told_before_its_event_leaves_the_count_in_doubt() -> None:
    log = created()
    for _ in range(5):
        act(log, "send", "ann", 0)
    talk = fresh()
    talk.restart(log.entry(0))
    act(log, "delete", "ann", 4)
    talk.extend(log.before(talk.first_seq))
    talk.offer(log.live[-1])
    assert talk.is_stale
    talk.snapshot(log.entry(0))
    assert (talk.is_stale, talk.unread_count) == (False, log.unread(0))


@settings(UNTIMED)
@given(st.lists(st.integers(1, 30), max_size=60), st.integers(0, 5))
def test_a_cursor_gives_each_event_once_in_order_and_holds_no_more_than_it_may(seqs: list[int], most: int) -> None:
    log = Log()
    for _ in range(30):
        act(log, "send", "ann", 0)
    cursor = Cursor(0, most)
    given_out = [event.seq for seq in seqs for event in cursor.offer(log.live[seq - 1])]
    assert len(cursor._held) <= most
    while gap := cursor.gap:
        given_out += [event.seq for event in cursor.fill(gap, log.page(gap.after))]
    assert given_out == list(range(1, cursor.last_seq + 1))
    assert cursor.last_seq >= max(seqs, default=0)


def test_an_empty_page_ends_a_gap_that_may_not_be_read() -> None:
    cursor = Cursor(3, 10)
    cursor.miss(9)
    assert cursor.fill(Gap(3, 9), Page(events=[], last_seq=20, has_more=False)) == []
    assert cursor.gap is None
    assert cursor.last_seq == 9
