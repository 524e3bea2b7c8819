import { useState, type FormEvent } from "react";
import type { Id } from "../core/wire";
import { report } from "../store/administration";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat } from "./hooks";
import { Problem } from "./settings/Problem";
import { entered, useWork } from "./work";

interface Props {
  conversationId: Id;
  messageId: Id;
  onClose: () => void;
}

/** Tells the administrators of a message. */
export function ReportMessage({ conversationId, messageId, onClose }: Props) {
  const { api } = useChat();
  const [isDone, setDone] = useState(false);
  const work = useWork();
  const tell = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    setDone(await work.run(() => report(api, conversationId, messageId, text("reason").trim())));
  };
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
        <form className="stack" onSubmit={(event) => void tell(event)}>
          <p className="lead">The administrators see it as it is now, who wrote it, and that it was you.</p>
          <Field
            label="What is wrong with it"
            name="reason"
            maxLength={500}
            required
            asked
            dir="auto"
            problem={work.of("reason")}
          />
          <Problem work={work} fields={["reason"]} />
          <footer>
            <button type="button" onClick={onClose}>
              Cancel
            </button>
            <button className="primary" disabled={work.busy}>
              Report
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}
