import { Contact, LogOut, MessageSquarePlus, Search, Settings } from "lucide-react";
import { memo, useState } from "react";
import { Virtualizer } from "virtua";
import { useRef } from "react";
import { named } from "../core/mentions";
import { when } from "../core/text";
import type { Presence } from "../core/wire";
import type { Chat } from "../store/chat";
import { peerOf, type Conversation, type Preview } from "../store/model";
import { Avatar } from "./Avatar";
import { Hits } from "./Hits";
import { useChat, useNow } from "./hooks";
import { mentionedBy } from "./mentioning";
import { openConversation } from "./place";
import type { Panel } from "./Shell";
import { titleOf, typingText } from "./titles";

interface Props {
  openId: string | null;
  onPanel: (panel: Panel) => void;
  onLogOut: () => void;
}

export function Sidebar({ openId, onPanel, onLogOut }: Props) {
  const chat = useChat();
  const now = useNow();
  const [filter, setFilter] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const asked = chat.relations.all(({ state, blocked }) => state === "incoming" && !blocked).length;
  const wanted = filter.trim().toLocaleLowerCase();
  const all = chat.inOrder().map((conversation) => ({ conversation, title: titleOf(chat, conversation) }));
  const shown = wanted ? all.filter(({ title }) => title.toLocaleLowerCase().includes(wanted)) : all;

  return (
    <section className="sidebar" aria-label="Conversations">
      <header className="sidebar-header">
        <button type="button" className="me" onClick={() => onPanel("settings")} title="Your account">
          <Avatar id={chat.me.user_id} name={chat.me.display_name} />
          <span className="me-text">
            <strong dir="auto">{chat.me.display_name}</strong>
            <small>@{chat.me.handle}</small>
          </span>
        </button>
        <button
          type="button"
          className="icon contacts"
          aria-label={asked ? `Contacts, ${asked} ${asked === 1 ? "asks" : "ask"} you` : "Contacts"}
          title="Contacts"
          onClick={() => onPanel("contacts")}
        >
          <Contact />
          {asked > 0 && <span className="badge">{asked}</span>}
        </button>
        <button
          type="button"
          className="icon"
          aria-label="Settings"
          title="Settings"
          onClick={() => onPanel("settings")}
        >
          <Settings />
        </button>
        <button type="button" className="icon" aria-label="Log out" title="Log out" onClick={onLogOut}>
          <LogOut />
        </button>
      </header>
      <div className="sidebar-tools">
        <div className="filter">
          <Search />
          <input
            id="filter"
            type="search"
            placeholder="Search"
            aria-label="Search conversations and messages"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Escape") setFilter("");
              if (event.key === "Enter" && shown[0]) openConversation(shown[0].conversation.id);
            }}
            dir="auto"
          />
        </div>
        <button
          type="button"
          className="icon filled"
          aria-label="New conversation"
          title="New conversation"
          onClick={() => onPanel("finder")}
        >
          <MessageSquarePlus />
        </button>
      </div>
      <div ref={list} className="conversations">
        <nav aria-label="Your conversations">
          {shown.length > 0 && (
            <Virtualizer as="ul" item="li" data={shown} scrollRef={list} itemSize={68}>
              {({ conversation, title }) => (
                <ConversationLine
                  key={conversation.id}
                  conversation={conversation}
                  title={title}
                  isOpen={conversation.id === openId}
                  text={conversation.preview ? previewText(chat, conversation.preview) : ""}
                  draft={conversation.id === openId ? "" : (chat.drafts.get(conversation.id) ?? "")}
                  typing={typingText(chat, conversation)}
                  sender={senderOf(chat.me.user_id, conversation, (id) => chat.people.nameOf(id))}
                  peer={
                    conversation.kind === "direct" ? peerOf(conversation, chat.me.user_id) : conversation.id
                  }
                  presence={chat.people.presence.get(peerOf(conversation, chat.me.user_id))?.status}
                  at={when(conversation.activityAt, now)}
                />
              )}
            </Virtualizer>
          )}
          {!shown.length && (
            <p className="empty">
              {wanted
                ? "No conversation is called that."
                : chat.isFresh
                  ? "Nobody here yet. Find somebody to talk to."
                  : ""}
            </p>
          )}
        </nav>
        <Hits text={filter} />
      </div>
    </section>
  );
}

function senderOf(me: string, { kind, preview }: Conversation, nameOf: (id: string) => string): string {
  if (!preview) return "";
  if (preview.senderId === me) return "You: ";
  return kind === "group" ? `${nameOf(preview.senderId).split(/\s/u)[0]}: ` : "";
}

function previewText(chat: Chat, preview: Preview): string {
  return named(preview.text, mentionedBy(chat, preview));
}

function mentionsText(count: number): string {
  return count === 1 ? "1 mentions you" : `${count} mention you`;
}

interface LineProps {
  conversation: Conversation;
  title: string;
  isOpen: boolean;
  /** What the newest message says. */
  text: string;
  draft: string;
  typing: string;
  sender: string;
  peer: string;
  presence: Presence["status"] | undefined;
  at: string;
}

const ConversationLine = memo(function ConversationLine(props: LineProps) {
  const { conversation, title, isOpen, text, draft, typing, sender, peer, presence, at } = props;
  const { preview, unread, mentions, markedUnread, kind } = conversation;
  const isUnread = unread > 0 || markedUnread;
  return (
    <a
      href={`#/c/${conversation.id}`}
      className={isUnread ? "line unread" : "line"}
      aria-current={isOpen ? "page" : undefined}
    >
      <Avatar
        id={peer}
        name={title}
        group={kind === "group"}
        presence={kind === "direct" ? presence : undefined}
      />
      <span className="line-text">
        <span className="line-top">
          <strong className="cut" dir="auto">
            {title}
          </strong>
          <time dateTime={conversation.activityAt}>{at}</time>
        </span>
        <span className="line-bottom">
          <span className="cut" dir="auto">
            {typing ? (
              <em className="typing">{typing}</em>
            ) : draft ? (
              <>
                <em className="draft">Draft: </em>
                {draft}
              </>
            ) : preview?.deleted ? (
              <em>Message deleted</em>
            ) : preview ? (
              sender + text
            ) : (
              <em>No messages yet</em>
            )}
          </span>
          {mentions > 0 && (
            <span className="badge mentions" role="img" aria-label={mentionsText(mentions)}>
              @{mentions > 1 ? mentions : ""}
            </span>
          )}
          {isUnread && (
            <span className="badge" aria-label={unread ? `${unread} unread` : "marked as unread"}>
              {unread ? (unread > 999 ? "999+" : unread) : ""}
            </span>
          )}
        </span>
      </span>
    </a>
  );
});
