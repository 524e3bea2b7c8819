import {
  Copy,
  CornerUpLeft,
  EllipsisVertical,
  EyeOff,
  Flag,
  Forward,
  MessageSquareReply,
  Pencil,
  Pin,
  PinOff,
  Trash2,
} from "lucide-react";
import { useCallback, useState } from "react";
import type { Message } from "../core/message";
import { deleteMessage, hideMessage, pin } from "../store/actions";
import { Confirm } from "./Dialog";
import { Forwarding } from "./Forwarding";
import { useChat } from "./hooks";
import { Menu, type MenuItem } from "./Menu";
import type { MessageCommands } from "./MessageRow";
import { ReactButton } from "./Reactions";
import { ReportMessage } from "./ReportMessage";

interface Props {
  conversationId: string;
  message: Message;
  isMine: boolean;
  mayDelete: boolean;
  mayPin: boolean;
  commands: MessageCommands;
  onReact: (emoji: string) => void;
  /** The tab key goes through what can be done with one message only, not with all. */
  isActive: boolean;
}

/** What can be done with a message: beside it, and in its menu. */
export function MessageActions(props: Props) {
  const { conversationId, message, isMine, mayDelete, mayPin, commands, onReact } = props;
  const tabIndex = props.isActive ? 0 : -1;
  const chat = useChat();
  const [anchor, setAnchor] = useState<DOMRect | null>(null);
  const [asking, setAsking] = useState<"delete" | "forward" | "report" | null>(null);
  const [isReacting, setReacting] = useState(false);
  const close = useCallback(() => setAnchor(null), []);
  const isPinned = message.pin.pinned;
  const items: (MenuItem | null)[] = [
    isMine && !message.poll
      ? { label: "Edit", icon: <Pencil />, onChoose: () => commands.edit(message) }
      : null,
    { label: "Reply in thread", icon: <MessageSquareReply />, onChoose: () => commands.thread(message) },
    message.body && !message.poll
      ? { label: "Forward", icon: <Forward />, onChoose: () => setAsking("forward") }
      : null,
    mayPin
      ? {
          label: isPinned ? "Unpin" : "Pin",
          icon: isPinned ? <PinOff /> : <Pin />,
          onChoose: () => void chat.attempt(() => pin(chat, conversationId, message.id, !isPinned)),
        }
      : null,
    message.body && "clipboard" in navigator // it is not outside of secure contexts
      ? {
          label: "Copy text",
          icon: <Copy />,
          onChoose: () => void navigator.clipboard.writeText(message.body),
        }
      : null,
    {
      label: "Delete for me",
      icon: <EyeOff />,
      onChoose: () => void chat.attempt(() => hideMessage(chat, conversationId, message.id)),
    },
    isMine ? null : { label: "Report", icon: <Flag />, onChoose: () => setAsking("report") },
    mayDelete
      ? {
          label: "Delete for everyone",
          icon: <Trash2 />,
          danger: true,
          onChoose: () => setAsking("delete"),
        }
      : null,
  ];
  return (
    <div className={anchor || isReacting ? "actions open" : "actions"}>
      <ReactButton tabIndex={tabIndex} onOpen={setReacting} onChoose={onReact} />
      {commands.reply && (
        <button
          type="button"
          className="icon"
          tabIndex={tabIndex}
          aria-label="Reply"
          title="Reply"
          onClick={() => commands.reply?.(message)}
        >
          <CornerUpLeft />
        </button>
      )}
      <button
        type="button"
        className="icon"
        tabIndex={tabIndex}
        aria-label="More"
        title="More"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget.getBoundingClientRect())}
      >
        <EllipsisVertical />
      </button>
      {anchor && <Menu label="Message" items={items} anchor={anchor} onClose={close} />}
      {asking === "delete" && (
        <Confirm
          title="Delete for everyone?"
          text="The message disappears for everybody in this conversation, and cannot be brought back."
          action="Delete"
          onConfirm={() => void chat.attempt(() => deleteMessage(chat, conversationId, message.id))}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === "report" && (
        <ReportMessage
          conversationId={conversationId}
          messageId={message.id}
          onClose={() => setAsking(null)}
        />
      )}
      {asking === "forward" && (
        <Forwarding conversationId={conversationId} message={message} onClose={() => setAsking(null)} />
      )}
    </div>
  );
}
