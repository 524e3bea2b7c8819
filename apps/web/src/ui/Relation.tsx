import { Ban, UserCheck, UserMinus, UserPlus } from "lucide-react";
import { useEffect, useState } from "react";
import type { Id } from "../core/wire";
import { Confirm } from "./Dialog";
import { useChat } from "./hooks";

const ASKED = {
  none: { label: "Add to contacts", icon: <UserPlus /> },
  incoming: { label: "Accept as a contact", icon: <UserCheck /> },
  outgoing: { label: "Take back your request", icon: <UserMinus /> },
  contact: { label: "Remove from contacts", icon: <UserMinus /> },
};

/** What this person can change about what they and somebody are to each other. */
export function RelationActions({ id, name }: { id: Id; name: string }) {
  const chat = useChat();
  const { relations } = chat;
  const { state, blocked } = relations.of(id);
  const [isAsking, setAsking] = useState(false);

  useEffect(() => {
    void chat.attempt(() => relations.read());
  }, [chat, relations]);

  const change = (): Promise<void> =>
    state === "none" || state === "incoming" ? relations.ask(id) : relations.remove(id);
  return (
    <>
      {!blocked && (
        <button type="button" onClick={() => void chat.attempt(change)}>
          {ASKED[state].icon} {ASKED[state].label}
        </button>
      )}
      {blocked ? (
        <button type="button" onClick={() => void chat.attempt(() => relations.unblock(id))}>
          <Ban /> Unblock
        </button>
      ) : (
        <button type="button" className="danger-text" onClick={() => setAsking(true)}>
          <Ban /> Block
        </button>
      )}
      {isAsking && (
        <Confirm
          title={`Block ${name}?`}
          text="You cannot write to each other directly, and do not see when the other one is there. Groups go on."
          action="Block"
          onConfirm={() => void chat.attempt(() => relations.block(id))}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
