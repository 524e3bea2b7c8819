"""A conversation in which there may be bots, as auth learns of it."""

from __future__ import annotations

from dataclasses import dataclass

from service.auth.office import Office

from chat.event.v1 import event_pb2 as pb
from realchat_common.ids import new_id

URL = "https://bots.example/hook"
MEMBERSHIP = {"conversation_created", "members_added", "member_removed", "member_left", "role_changed"}


@dataclass
class Room:
    """A conversation, whose events go into the log and, by one pointer each, to auth."""

    office: Office
    owner: str
    bot: str
    talk: str

    @property
    def events(self) -> list[pb.Event]:
        """The log, in order."""
        return [event for event in self.office.log.events if event.conversation_id == self.talk]

    def event(self, actor: str, **payload: object) -> pb.Event:
        """Something happens that auth has not heard of yet."""
        event = pb.Event(
            conversation_id=self.talk,
            seq=len(self.events) + 1,
            event_id=new_id(),
            actor_id=actor,
            occurred_at_ms=self.office.now_ms,
            **payload,  # type: ignore[arg-type]
        )
        self.office.log.events.append(event)
        return event

    def pointer(self, *events: pb.Event) -> pb.Pointer:
        """Points to a run of events."""
        moves = (each.seq for each in self.events[: events[-1].seq] if each.WhichOneof("payload") in MEMBERSHIP)
        return pb.Pointer(
            conversation_id=self.talk,
            first_seq=events[0].seq,
            last_seq=events[-1].seq,
            members_seq=max(moves, default=0),
        )

    async def arrives(self, *events: pb.Event) -> None:
        await self.office.follower.take_up([self.pointer(*events)])

    async def happens(self, actor: str, **payload: object) -> pb.Event:
        event = self.event(actor, **payload)
        await self.arrives(event)
        return event

    def said(self, actor: str, body: str) -> pb.Event:
        return self.event(actor, message_sent=pb.MessageSent(message_id=new_id(), body=body))

    def added(self, *user_ids: str) -> pb.Event:
        members = [pb.Member(user_id=user_id, role=pb.ROLE_MEMBER) for user_id in user_ids]
        return self.event(self.owner, members_added=pb.MembersAdded(members=members))

    def removed(self, user_id: str) -> pb.Event:
        return self.event(self.owner, member_removed=pb.MemberRemoved(user_id=user_id))

    async def says(self, actor: str, body: str) -> pb.Event:
        event = self.said(actor, body)
        await self.arrives(event)
        return event


def begun(office: Office, owner: str, bot: str, *members: str) -> Room:
    """A conversation of its owner and others that auth has not heard of yet."""
    room = Room(office, owner, bot, new_id())
    people = [pb.Member(user_id=user_id, role=pb.ROLE_MEMBER) for user_id in (owner, *members)]
    created = pb.ConversationCreated(kind=pb.CONVERSATION_KIND_GROUP, title="Forecasts", members=people)
    room.event(owner, conversation_created=created)
    return room


async def hooked_bot(office: Office, owner: str) -> tuple[str, str]:
    """A bot that has a webhook; and the webhook's secret."""
    bot = str((await office.bots.create(owner, "Weather")).bot_id)
    _, secret = await office.webhooks.create(bot, owner, URL)
    return bot, secret
