import { useState } from "react";
import type { Id } from "../core/wire";
import { report } from "../store/administration";
import { Dialog } from "./Dialog";
import { useChat } from "./hooks";
import { Reason } from "./Reason";

interface Props {
  conversationId: Id;
  messageId: Id;
  onClose: () => void;
}

/** Tells the administrators of a message. */
export function ReportMessage({ conversationId, messageId, onClose }: Props) {
  const { api } = useChat();
  const [isDone, setDone] = useState(false);
  return (
    <Dialog title="Report this message" onClose={onClose}>
      {isDone ? (
        <>
          <p role="status">The administrators are told.</p>
          <footer>
            <button type="button" className="primary" onClick={onClose}>
              Done
            </button>
          </footer>
        </>
      ) : (
        <Reason
          label="What is wrong with it"
          action="Report"
          onCancel={onClose}
          onGive={async (reason) => {
            await report(api, conversationId, messageId, reason);
            setDone(true);
          }}
        >
          <p className="lead">The administrators see it as it is now, who wrote it, and that it was you.</p>
        </Reason>
      )}
    </Dialog>
  );
}
