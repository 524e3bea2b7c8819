/** Mentions as they are written and read. */

import { AtSign } from "lucide-react";
import {
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
} from "react";
import { ALL, named, suggestions, typedBefore, type Mentions, type Named } from "../core/mentions";
import type { Message } from "../core/message";
import { summary } from "../core/summary";
import { listMembers } from "../store/actions";
import type { Chat } from "../store/chat";
import type { Conversation } from "../store/model";
import { Avatar } from "./Avatar";
import { useChat } from "./hooks";

const MOST_SHOWN = 8;
const EVERYBODY: Named = { id: ALL, handle: ALL, name: "All members" };

/** The others of a conversation, and who was mentioned already, as far as it is known who they are. */
export function mentionable(
  chat: Chat,
  conversation: Conversation,
  already: readonly string[] = [],
): Named[] {
  const found: Named[] = [];
  for (const id of new Set([...conversation.members.map((member) => member.user_id), ...already])) {
    const profile = chat.people.profiles.get(id);
    if (profile && id !== chat.me.user_id)
      found.push({ id, handle: profile.handle, name: profile.display_name });
  }
  return found;
}

export interface Mentioned {
  readonly name: string;
  readonly isMe: boolean;
}

export const NOBODY_KNOWN: ReadonlyMap<string, Mentioned> = new Map();

/** By handle, how those are shown whom a message mentions. */
export function mentionedBy(chat: Chat, message: Mentions): ReadonlyMap<string, Mentioned> {
  if (!message.mentions.length && !message.mentionAll) return NOBODY_KNOWN;
  const found = new Map<string, Mentioned>();
  for (const id of message.mentions) {
    const profile = chat.people.profiles.get(id);
    if (profile) found.set(profile.handle, { name: profile.display_name, isMe: id === chat.me.user_id });
  }
  if (message.mentionAll) found.set(ALL, { name: ALL, isMe: true });
  return found;
}

/** What a message says in one line, with the names of those whom it mentions. */
export function oneLine(chat: Chat, message: Mentions & Pick<Message, "body" | "attachments">): string {
  return named(summary(message.body, message.attachments), mentionedBy(chat, message));
}

interface Options {
  conversation: Conversation;
  field: RefObject<HTMLTextAreaElement | null>;
  value: string;
  onWrite: (text: string) => void;
}

interface Mentioning {
  list: ReactNode;
  /** Of the field. */
  attributes: {
    "aria-autocomplete": "list";
    "aria-controls": string | undefined;
    "aria-activedescendant": string | undefined;
    onSelect: () => void;
    onBlur: () => void;
  };
  /** Whether the list has taken the key. */
  takes: (event: KeyboardEvent) => boolean;
}

/** After @, a list of those who can be mentioned: arrows choose, Enter and Tab take, Escape closes. */
export function useMentioning({ conversation, field, value, onWrite }: Options): Mentioning {
  const chat = useChat();
  const listId = useId();
  const [caret, setCaret] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  /** Where the mention begins that nobody wants help with. */
  const [refused, setRefused] = useState<number | null>(null);
  const next = useRef<number | null>(null);
  const { id, kind, members, memberCount } = conversation;
  const isGroup = kind === "group";

  const typed = caret === null ? null : typedBefore(value, caret);
  const from = typed?.from ?? null;
  const people = typed ? mentionable(chat, conversation) : [];
  const found =
    typed && from !== refused
      ? suggestions(typed.prefix, isGroup ? [...people, EVERYBODY] : people, MOST_SHOWN)
      : [];
  const chosen = Math.min(active, found.length - 1);
  const optionId = (index: number): string => `${listId}-${index}`;

  const isWanting = typed !== null && isGroup && members.length < memberCount;
  useEffect(() => {
    if (isWanting) void chat.attempt(() => listMembers(chat, id));
  }, [chat, id, isWanting]);

  useEffect(() => {
    setActive(0);
    if (from === null) setRefused(null);
  }, [from, typed?.prefix]);

  useLayoutEffect(() => {
    if (next.current === null) return;
    field.current?.setSelectionRange(next.current, next.current);
    setCaret(next.current);
    next.current = null;
  }, [field, value]);

  useEffect(() => {
    document.getElementById(`${listId}-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [listId, chosen]);

  const take = (one: Named | undefined): void => {
    if (!one || !typed || caret === null) return;
    const before = `${value.slice(0, typed.from)}@${one.handle} `;
    next.current = before.length;
    onWrite(before + value.slice(caret).replace(/^ /, ""));
  };

  const isOpen = found.length > 0;
  return {
    list: (
      <>
        <p className="unseen" role="status">
          {isOpen && `${found.length} to mention. ${found[chosen]?.name ?? ""}`}
        </p>
        {isOpen && (
          <div id={listId} className="mention-list" role="listbox" aria-label="People to mention">
            {found.map((one, index) => (
              <div
                key={one.id}
                id={optionId(index)}
                className="person"
                role="option"
                tabIndex={-1}
                aria-selected={index === chosen}
                onPointerDown={(event) => {
                  event.preventDefault(); // the field keeps the focus
                  take(one);
                }}
              >
                {one.id === ALL ? (
                  <span className="everybody">
                    <AtSign />
                  </span>
                ) : (
                  <Avatar id={one.id} name={one.name} size="small" />
                )}
                <span className="person-text">
                  <strong className="cut" dir="auto">
                    {one.name}
                  </strong>
                  <small className="cut">@{one.handle}</small>
                </span>
              </div>
            ))}
          </div>
        )}
      </>
    ),
    attributes: {
      "aria-autocomplete": "list",
      "aria-controls": isOpen ? listId : undefined,
      "aria-activedescendant": isOpen ? optionId(chosen) : undefined,
      onSelect: () => {
        const area = field.current;
        if (area) setCaret(area.selectionStart === area.selectionEnd ? area.selectionStart : null);
      },
      onBlur: () => setCaret(null),
    },
    takes: (event) => {
      if (!isOpen) return false;
      if (event.key === "ArrowDown") setActive((chosen + 1) % found.length);
      else if (event.key === "ArrowUp") setActive((chosen + found.length - 1) % found.length);
      else if (event.key === "Tab" || (event.key === "Enter" && !event.shiftKey)) take(found[chosen]);
      else if (event.key === "Escape") setRefused(from);
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
