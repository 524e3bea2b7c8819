/** What conversations and their changes are called. */

import { isolated, lastSeen } from "../core/text";
import type { Notice } from "../core/message";
import type { Id } from "../core/wire";
import type { Chat } from "../store/chat";
import { peerOf, type Conversation } from "../store/model";

export function titleOf(chat: Chat, conversation: Conversation): string {
  if (conversation.kind === "group") return conversation.title;
  return chat.people.nameOf(peerOf(conversation, chat.me.user_id));
}

export function subtitleOf(chat: Chat, conversation: Conversation, now: Date): string {
  if (conversation.kind === "group") {
    return `${conversation.memberCount} ${conversation.memberCount === 1 ? "member" : "members"}`;
  }
  const presence = chat.people.presence.get(peerOf(conversation, chat.me.user_id));
  if (!presence) return "";
  return presence.status === "offline" ? lastSeen(presence.last_seen_at, now) : presence.status;
}

/** Who types, as a sentence; empty when nobody does. */
export function typingText(chat: Chat, conversation: Conversation): string {
  const ids = chat.typing.in(conversation.id);
  if (!ids.length) return "";
  if (conversation.kind === "direct") return "typing…";
  if (ids.length > 2) return `${ids.length} people are typing…`;
  const names = list(ids.map((id) => isolated(chat.people.nameOf(id))));
  return `${names} ${ids.length === 1 ? "is" : "are"} typing…`;
}

export function noticeText(chat: Chat, { event }: Notice): string {
  const me = chat.me.user_id;
  const name = (id: Id): string => (id === me ? "you" : isolated(chat.people.nameOf(id)));
  const actor = event.actor_id === me ? "You" : isolated(chat.people.nameOf(event.actor_id));
  switch (event.kind) {
    case "conversation.created":
      return event.data.kind === "group"
        ? `${actor} created the group “${isolated(event.data.title)}”`
        : `${actor} began the conversation`;
    case "members.added":
      return `${actor} added ${list(event.data.members.map((member) => name(member.user_id)))}`;
    case "member.removed":
      return `${actor} removed ${name(event.data.user_id)}`;
    case "member.left": {
      const heir = event.data.new_owner_id;
      return `${actor} left${heir ? `; ${name(heir)} ${heir === me ? "are" : "is"} the owner now` : ""}`;
    }
    case "role.changed":
      return `${actor} made ${name(event.data.user_id)} ${event.data.role === "member" ? "a member" : `an ${event.data.role}`}`;
    case "conversation.renamed":
      return `${actor} renamed the group to “${isolated(event.data.title)}”`;
    default:
      return "";
  }
}

const conjunction = new Intl.ListFormat("en", { type: "conjunction" });

function list(names: readonly string[]): string {
  const most = 5;
  return conjunction.format(
    names.length > most ? [...names.slice(0, most), `${names.length - most} others`] : names,
  );
}
