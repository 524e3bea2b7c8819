import { useRef, useState } from "react";
import type { Message } from "../core/message";
import { forward } from "../store/actions";
import { peerOf } from "../store/model";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat } from "./hooks";
import { oneLine } from "./mentioning";
import { openConversation } from "./place";
import { titleOf } from "./titles";

interface Props {
  conversationId: string;
  message: Message;
  onClose: () => void;
}

const MOST_SHOWN = 50;

/** Asks where a message is to go on to, and goes there. */
export function Forwarding({ conversationId, message, onClose }: Props) {
  const chat = useChat();
  const [filter, setFilter] = useState("");
  const [isBusy, setBusy] = useState(false);
  /** By goal: trying the same again is harmless. */
  const keys = useRef(new Map<string, string>());
  const wanted = filter.trim().toLocaleLowerCase();
  const shown = chat
    .inOrder()
    .map((conversation) => ({ conversation, title: titleOf(chat, conversation) }))
    .filter(({ conversation, title }) => !conversation.left && title.toLocaleLowerCase().includes(wanted))
    .slice(0, MOST_SHOWN);

  const send = async (goalId: string): Promise<void> => {
    const key = keys.current.get(goalId) ?? crypto.randomUUID();
    keys.current.set(goalId, key);
    setBusy(true);
    const isDone = await chat.attempt(() => forward(chat, conversationId, message.id, goalId, key));
    setBusy(false);
    if (!isDone) return;
    onClose();
    openConversation(goalId);
  };

  return (
    <Dialog title="Forward to" onClose={onClose}>
      <p className="lead cut" dir="auto">
        {oneLine(chat, message)}
      </p>
      <div className="picker">
        <Field
          label="Conversation"
          type="search"
          autoComplete="off"
          dir="auto"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <ul className="people" aria-label="Conversations to forward to">
          {shown.map(({ conversation, title }) => {
            const isGroup = conversation.kind === "group";
            return (
              <li key={conversation.id}>
                <button
                  type="button"
                  className="person"
                  disabled={isBusy}
                  onClick={() => void send(conversation.id)}
                >
                  <Avatar
                    id={isGroup ? conversation.id : peerOf(conversation, chat.me.user_id)}
                    name={title}
                    group={isGroup}
                  />
                  <strong className="cut" dir="auto">
                    {title}
                  </strong>
                </button>
              </li>
            );
          })}
        </ul>
        {!shown.length && <p className="empty">No conversation is called that.</p>}
      </div>
    </Dialog>
  );
}
