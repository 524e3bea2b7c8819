import {
  Check,
  CheckCheck,
  Clock,
  Copy,
  CornerUpLeft,
  EllipsisVertical,
  EyeOff,
  Pencil,
  RotateCw,
  Trash2,
  TriangleAlert,
} from "lucide-react";
import { memo, useCallback, useState } from "react";
import { summary } from "../core/summary";
import type { Row } from "../core/rows";
import { exactTime, time } from "../core/text";
import type { Message } from "../core/timeline";
import { deleteMessage, hideMessage } from "../store/actions";
import type { Delivery } from "../store/receipts";
import { Attachments } from "./Attachments";
import { Avatar } from "./Avatar";
import { Confirm } from "./Dialog";
import { useChat } from "./hooks";
import { Menu, type MenuItem } from "./Menu";
import { Poll } from "./Poll";
import { ReactButton, Reactions, useReactions } from "./Reactions";
import { Rich } from "./Rich";

export interface MessageCommands {
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  show: (place: { conversationId: string; seq: number }) => void;
}

interface Props {
  row: Row & { type: "message" };
  conversationId: string;
  isMine: boolean;
  isGroup: boolean;
  mayDelete: boolean;
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
  const message = row.entry;
  const name = isMine ? "You" : sender;
  const { reactions, toggle } = useReactions(conversationId, message);
  return (
    <article
      className={classes(row, isMine) + (props.isFound ? " found" : "")}
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
          {message.replyTo !== null && !message.deleted && (
            <button
              type="button"
              className="quote"
              disabled={!quoted}
              onClick={() => quoted && commands.show({ conversationId, seq: quoted.seq })}
            >
              <strong dir="auto">{quotedName || "Reply"}</strong>
              <span className="cut" dir="auto">
                {quoted
                  ? quoted.deleted
                    ? "Message deleted"
                    : summary(quoted.body, quoted.attachments)
                  : "An earlier message"}
              </span>
            </button>
          )}
          {message.attachments.length > 0 && <Attachments attachments={message.attachments} />}
          {message.deleted ? <p className="deleted">Message deleted</p> : <Rich text={message.body} />}
          {message.poll && (
            <Poll
              conversationId={conversationId}
              message={message}
              poll={message.poll}
              mayClose={props.mayDelete}
            />
          )}
          <span className="meta">
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
        {!message.deleted && <Actions {...props} onReact={toggle} />}
      </div>
      {reactions.length > 0 && (
        <Reactions
          conversationId={conversationId}
          message={message}
          reactions={reactions}
          onToggle={toggle}
        />
      )}
    </article>
  );
});

type ActionsProps = Props & { onReact: (emoji: string) => void };

function Actions({ row, conversationId, isMine, mayDelete, commands, onReact }: ActionsProps) {
  const chat = useChat();
  const message = row.entry;
  const [anchor, setAnchor] = useState<DOMRect | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const [isReacting, setReacting] = useState(false);
  const close = useCallback(() => setAnchor(null), []);
  const items: (MenuItem | null)[] = [
    isMine && !message.poll
      ? { label: "Edit", icon: <Pencil />, onChoose: () => commands.edit(message) }
      : null,
    { label: "Copy text", icon: <Copy />, onChoose: () => void navigator.clipboard.writeText(message.body) },
    {
      label: "Delete for me",
      icon: <EyeOff />,
      onChoose: () => void chat.attempt(() => hideMessage(chat, conversationId, message.id)),
    },
    mayDelete
      ? { label: "Delete for everyone", icon: <Trash2 />, danger: true, onChoose: () => setDeleting(true) }
      : null,
  ];
  return (
    <div className={anchor || isReacting ? "actions open" : "actions"}>
      <ReactButton onOpen={setReacting} onChoose={onReact} />
      <button
        type="button"
        className="icon"
        aria-label="Reply"
        title="Reply"
        onClick={() => commands.reply(message)}
      >
        <CornerUpLeft />
      </button>
      <button
        type="button"
        className="icon"
        aria-label="More"
        title="More"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget.getBoundingClientRect())}
      >
        <EllipsisVertical />
      </button>
      {anchor && <Menu label="Message" items={items} anchor={anchor} onClose={close} />}
      {isDeleting && (
        <Confirm
          title="Delete for everyone?"
          text="The message disappears for everybody in this conversation, and cannot be brought back."
          action="Delete"
          onConfirm={() => void chat.attempt(() => deleteMessage(chat, conversationId, message.id))}
          onClose={() => setDeleting(false)}
        />
      )}
    </div>
  );
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
          <Rich text={message.body} />
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
