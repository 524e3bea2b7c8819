import {
  Check,
  CheckCheck,
  Clock,
  Forward,
  MessageSquareReply,
  Pin,
  RotateCw,
  Trash2,
  TriangleAlert,
} from "lucide-react";
import { memo, useEffect } from "react";
import { mentionsOne } from "../core/mentions";
import type { Message } from "../core/message";
import type { Row } from "../core/rows";
import { exactTime, isolated, time } from "../core/text";
import { countOf } from "../core/thread";
import type { Chat } from "../store/chat";
import type { Delivery } from "../store/receipts";
import { Attachments } from "./Attachments";
import { Avatar } from "./Avatar";
import { useChat } from "./hooks";
import { mentionedBy, oneLine } from "./mentioning";
import { MessageActions } from "./MessageActions";
import { Poll } from "./Poll";
import { Reactions, useReactions } from "./Reactions";
import { Rich } from "./Rich";

export interface MessageCommands {
  /** Absent where what is written is an answer anyway. */
  reply?: (message: Message) => void;
  edit: (message: Message) => void;
  show: (place: { conversationId: string; seq: number }) => void;
  thread: (message: Message) => void;
}

interface Props {
  row: Row & { type: "message" };
  conversationId: string;
  isMine: boolean;
  isGroup: boolean;
  mayDelete: boolean;
  mayPin: boolean;
  /** In the thread that it belongs to: what it answers is not said again. */
  inThread?: boolean;
  sender: string;
  /** Of one's own. */
  delivery: Delivery | null;
  quoted: Message | null;
  quotedName: string;
  isActive: boolean;
  /** What somebody came for. */
  isFound: boolean;
  commands: MessageCommands;
}

const DELIVERY = {
  sent: { icon: <Check />, label: "Sent" },
  delivered: { icon: <CheckCheck />, label: "Delivered" },
  read: { icon: <CheckCheck className="seen" />, label: "Read" },
};

export const MessageRow = memo(function MessageRow(props: Props) {
  const { row, conversationId, isMine, isGroup, sender, delivery, quoted, quotedName, isActive, commands } =
    props;
  const chat = useChat();
  const message = row.entry;
  const replies = countOf(message.replies);
  const isForMe = !isMine && mentionsOne(message, chat.me.user_id);
  const name = isMine ? "You" : sender;
  const unheld = !quoted && !message.deleted && !props.inThread ? message.replyTo : null;
  useEffect(() => {
    if (unheld !== null && chat.connection === "up") void chat.pages.quoted(conversationId, unheld);
  }, [chat, conversationId, unheld, chat.connection]);
  const { reactions, toggle } = useReactions(conversationId, message);
  return (
    <article
      className={[classes(row, isMine), props.isFound && "found", isForMe && "for-me"]
        .filter(Boolean)
        .join(" ")}
      data-key={row.key}
      tabIndex={isActive ? 0 : -1}
      aria-label={`${name}, ${time(message.at)}`}
    >
      {!isMine && isGroup && (
        <span className="gutter">
          {row.last && <Avatar id={message.senderId} name={sender} size="small" />}
        </span>
      )}
      <div className="bubble-line">
        <div className="bubble">
          {!isMine && isGroup && row.first && (
            <strong className="author cut" dir="auto">
              {sender}
            </strong>
          )}
          {message.forwardedFrom && (
            <span className="origin" title={exactTime(message.forwardedFrom.sent_at)}>
              <Forward />
              <span className="cut" dir="auto">
                Forwarded from {originName(chat, message.forwardedFrom.author_id)}
              </span>
            </span>
          )}
          {message.replyTo !== null && !message.deleted && !props.inThread && (
            <button
              type="button"
              className="quote"
              disabled={!quoted}
              onClick={() => quoted && commands.show({ conversationId, seq: quoted.seq })}
            >
              <strong dir="auto">{quotedName || "Reply"}</strong>
              <span className="cut" dir="auto">
                {quoted ? (quoted.deleted ? "Message deleted" : oneLine(chat, quoted)) : "An earlier message"}
              </span>
            </button>
          )}
          {message.attachments.length > 0 && <Attachments attachments={message.attachments} />}
          {message.deleted ? (
            <p className="deleted">Message deleted</p>
          ) : (
            <Rich text={message.body} known={mentionedBy(chat, message)} />
          )}
          {message.poll && (
            <Poll
              conversationId={conversationId}
              message={message}
              poll={message.poll}
              mayClose={props.mayDelete}
            />
          )}
          <span className="meta">
            {message.pin.pinned && (
              <span className="delivery" role="img" aria-label="Pinned" title="Pinned">
                <Pin />
              </span>
            )}
            {message.editedAt && !message.deleted && (
              <span title={`Edited ${exactTime(message.editedAt)}`}>edited</span>
            )}
            <time dateTime={message.at} title={exactTime(message.at)}>
              {time(message.at)}
            </time>
            {delivery && !message.deleted && (
              <span
                className="delivery"
                role="img"
                aria-label={DELIVERY[delivery].label}
                title={DELIVERY[delivery].label}
              >
                {DELIVERY[delivery].icon}
              </span>
            )}
          </span>
        </div>
        {!message.deleted && (
          <MessageActions
            conversationId={conversationId}
            message={message}
            isMine={isMine}
            mayDelete={props.mayDelete}
            mayPin={props.mayPin}
            commands={commands}
            onReact={toggle}
            isActive={isActive}
          />
        )}
      </div>
      {reactions.length > 0 && (
        <Reactions
          conversationId={conversationId}
          message={message}
          reactions={reactions}
          onToggle={toggle}
        />
      )}
      {replies > 0 && !props.inThread && (
        <p className="thread-link">
          <button type="button" onClick={() => commands.thread(message)}>
            <MessageSquareReply /> {replies} {replies === 1 ? "reply" : "replies"}
          </button>
        </p>
      )}
    </article>
  );
});

function originName(chat: Chat, id: string): string {
  return id === chat.me.user_id ? "you" : isolated(chat.people.nameOf(id));
}

/** A message that is on its way. */
export function OutgoingRow({ row }: { row: Row & { type: "outgoing" } }) {
  const chat = useChat();
  const message = row.entry;
  const isFailed = message.state === "failed";
  const label = { queued: "Waits to be sent", sending: "Sending", sent: "Sent", failed: "Not sent" }[
    message.state
  ];
  return (
    <article
      className={`${classes(row, true)} ${message.state}`}
      data-key={row.key}
      tabIndex={-1}
      aria-label={`You, ${label}`}
    >
      <div className="bubble-line">
        <div className="bubble">
          {message.attachments.length > 0 && <Attachments attachments={message.attachments} />}
          <Rich text={message.body} known={mentionedBy(chat, message)} />
          <span className="meta">
            <time dateTime={message.at}>{time(message.at)}</time>
            <span className="delivery" role="img" aria-label={label} title={label}>
              {isFailed ? <TriangleAlert /> : message.state === "sent" ? <Check /> : <Clock />}
            </span>
          </span>
        </div>
      </div>
      {isFailed && (
        <p className="failure">
          <span>{message.problem}</span>
          <button type="button" onClick={() => chat.sender.retry(message.clientId)}>
            <RotateCw /> Try again
          </button>
          <button type="button" onClick={() => chat.sender.discard(message.clientId)}>
            <Trash2 /> Discard
          </button>
        </p>
      )}
    </article>
  );
}

function classes(row: Row, isMine: boolean): string {
  return ["message", isMine && "mine", row.first && "first", row.last && "last"].filter(Boolean).join(" ");
}
