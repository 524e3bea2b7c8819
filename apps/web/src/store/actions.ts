/** What somebody does besides writing: thin calls of the API; what they change comes back as events. */

import type { Mentions } from "../core/mentions";
import type { Highlight } from "../core/search";
import type { ConversationInfo, Id, LogEvent, Member, Page, Profile, Role } from "../core/wire";
import type { Chat } from "./chat";

const messagePath = (conversationId: Id, messageId: Id): string =>
  `/v1/conversations/${conversationId}/messages/${messageId}`;

export async function editMessage(
  chat: Chat,
  conversationId: Id,
  messageId: Id,
  body: string,
  { mentions, mentionAll }: Mentions,
): Promise<void> {
  await chat.api.request("PATCH", messagePath(conversationId, messageId), {
    body: { body, mentions, mention_all: mentionAll },
  });
}

export async function deleteMessage(chat: Chat, conversationId: Id, messageId: Id): Promise<void> {
  await chat.api.request("DELETE", messagePath(conversationId, messageId), { query: { for: "everyone" } });
}

export async function hideMessage(chat: Chat, conversationId: Id, messageId: Id): Promise<void> {
  await chat.api.request("DELETE", messagePath(conversationId, messageId), { query: { for: "me" } });
  chat.timeline(conversationId).hide(messageId);
  chat.changed();
}

/** Gives a message an emoji or takes it back; done when this client knows of it. */
export async function react(
  chat: Chat,
  conversationId: Id,
  messageId: Id,
  emoji: string,
  gives: boolean,
): Promise<void> {
  const path = `${messagePath(conversationId, messageId)}/reactions/${encodeURIComponent(emoji)}`;
  const { seq } = await chat.api.request<{ seq: number }>(gives ? "PUT" : "DELETE", path);
  await chat.reached(conversationId, seq);
}

const pinPath = (conversationId: Id, messageId: Id): string =>
  `/v1/conversations/${conversationId}/pins/${messageId}`;

/** Pins a message or unpins it; done when this client knows of it. */
export async function pin(chat: Chat, conversationId: Id, messageId: Id, pins: boolean): Promise<void> {
  const path = pinPath(conversationId, messageId);
  const { seq } = await chat.api.request<{ seq: number }>(pins ? "PUT" : "DELETE", path);
  await chat.reached(conversationId, seq);
}

/** Sends on what a message says; `key` makes trying again harmless. */
export async function forward(
  chat: Chat,
  conversationId: Id,
  messageId: Id,
  goalId: Id,
  key: string,
): Promise<void> {
  const body = { conversation_id: goalId, client_message_id: key };
  await chat.api.post(`${messagePath(conversationId, messageId)}/forward`, body);
}

interface Reacted {
  user_id: Id;
  emoji: string;
}

/** The names of the first who gave a message each emoji. */
export async function whoReacted(
  chat: Chat,
  conversationId: Id,
  messageId: Id,
): Promise<Map<string, string[]>> {
  const path = `${messagePath(conversationId, messageId)}/reactions`;
  const { reactions } = await chat.api.get<{ reactions: Reacted[] }>(path, { limit: 100 });
  await chat.people.meet(reactions.map((each) => each.user_id));
  const names = new Map<string, string[]>();
  for (const { user_id: id, emoji } of reactions) {
    const name = id === chat.me.user_id ? "You" : chat.people.nameOf(id);
    names.set(emoji, [...(names.get(emoji) ?? []), name]);
  }
  return names;
}

export interface Hit {
  message: LogEvent & { kind: "message.sent" };
  highlights: Highlight[];
}

/** Messages that say something: the best first, then the newest. */
export async function search(
  chat: Chat,
  query: string,
  within: Id | undefined,
  cursor: string | null,
): Promise<Page<Hit>> {
  const page = await chat.api.get<{ hits: Hit[]; next_cursor: string | null }>("/v1/search", {
    q: query,
    conversation_id: within,
    cursor,
    limit: 30,
  });
  void chat.people.meet(page.hits.map((hit) => hit.message.actor_id));
  return { items: page.hits, next: page.next_cursor };
}

export interface PollResults {
  /** By option. */
  counts: number[];
  voters: number;
  /** What this person has voted for. */
  mine: number[];
}

const pollPath = (conversationId: Id, messageId: Id): string =>
  `/v1/conversations/${conversationId}/polls/${messageId}`;

/** `key` makes trying again harmless. */
export async function createPoll(
  chat: Chat,
  conversationId: Id,
  poll: { question: string; options: string[]; multiple: boolean },
  key: string,
): Promise<void> {
  await chat.api.post(`/v1/conversations/${conversationId}/polls`, { ...poll, client_message_id: key });
}

export async function readPoll(chat: Chat, conversationId: Id, messageId: Id): Promise<PollResults> {
  return chat.api.get(pollPath(conversationId, messageId));
}

export async function votePoll(
  chat: Chat,
  conversationId: Id,
  messageId: Id,
  choices: number[],
): Promise<void> {
  await chat.api.request("PUT", `${pollPath(conversationId, messageId)}/vote`, { body: { choices } });
}

export async function closePoll(chat: Chat, conversationId: Id, messageId: Id): Promise<void> {
  await chat.api.post(`${pollPath(conversationId, messageId)}/close`);
}

export async function startDirect(chat: Chat, userId: Id): Promise<Id> {
  return started(
    chat,
    await chat.api.post<ConversationInfo>("/v1/conversations/direct", { user_id: userId }),
  );
}

/** `key` makes trying again harmless. */
export async function startGroup(chat: Chat, title: string, memberIds: Id[], key: string): Promise<Id> {
  const body = { title, member_ids: memberIds };
  return started(chat, await chat.api.post<ConversationInfo>("/v1/conversations", body, key));
}

async function started(chat: Chat, info: ConversationInfo): Promise<Id> {
  const id = info.conversation_id;
  if (!chat.conversations.has(id)) await chat.pages.newest(id);
  chat.sync.begin(info);
  return id;
}

export async function rename(chat: Chat, conversationId: Id, title: string): Promise<void> {
  await chat.api.request("PATCH", `/v1/conversations/${conversationId}`, { body: { title } });
}

export async function addMembers(chat: Chat, conversationId: Id, userIds: Id[]): Promise<void> {
  await chat.api.post(`/v1/conversations/${conversationId}/members`, { user_ids: userIds });
}

export async function removeMember(chat: Chat, conversationId: Id, userId: Id): Promise<void> {
  await chat.api.remove(`/v1/conversations/${conversationId}/members/${userId}`, "member_not_found");
}

export async function changeRole(chat: Chat, conversationId: Id, userId: Id, role: Role): Promise<void> {
  await chat.api.request("PATCH", `/v1/conversations/${conversationId}/members/${userId}`, {
    body: { role },
  });
}

export async function leave(chat: Chat, conversationId: Id): Promise<void> {
  await chat.api.post(`/v1/conversations/${conversationId}/leave`);
  chat.forget(conversationId);
}

/** All members, instead of the first ten. */
export async function listMembers(chat: Chat, conversationId: Id): Promise<void> {
  const members: Member[] = [];
  let cursor: string | null = null;
  do {
    const page: { members: Member[]; next_cursor: string | null } = await chat.api.get(
      `/v1/conversations/${conversationId}/members`,
      { cursor, limit: 200 },
    );
    members.push(...page.members);
    cursor = page.next_cursor;
  } while (cursor);
  const conversation = chat.conversations.get(conversationId);
  if (conversation) chat.update({ ...conversation, members, memberCount: members.length });
  await chat.people.meet(members.map((member) => member.user_id));
}

export async function markUnread(chat: Chat, conversationId: Id): Promise<void> {
  await chat.api.post(`/v1/conversations/${conversationId}/unread`);
  const conversation = chat.conversations.get(conversationId);
  if (conversation) chat.update({ ...conversation, markedUnread: true });
}

export async function changeProfile(
  chat: Chat,
  change: Partial<Pick<Profile, "display_name" | "handle" | "bio">>,
): Promise<void> {
  chat.people.add([await chat.api.request<Profile>("PATCH", "/v1/me", { body: change })]);
}
