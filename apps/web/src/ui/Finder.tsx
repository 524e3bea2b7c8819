import { useEffect, useRef, useState } from "react";
import type { Profile } from "../core/wire";
import { startDirect, startGroup } from "../store/actions";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat } from "./hooks";
import { openConversation } from "./place";
import { PeoplePicker } from "./PeoplePicker";

/** Begins a conversation: with one person directly, with several as a group. */
export function Finder({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const [chosen, setChosen] = useState<readonly Profile[]>([]);
  const [title, setTitle] = useState("");
  const [busy, setBusy] = useState(false);
  const key = useRef(crypto.randomUUID());
  const isGroup = chosen.length > 1;
  const suggestion = chosen
    .map((person) => person.display_name.split(/\s/u)[0])
    .join(", ")
    .slice(0, 128);

  useEffect(() => {
    key.current = crypto.randomUUID();
  }, [chosen, title]);

  const begin = async (): Promise<void> => {
    const [first] = chosen;
    if (!first || busy) return;
    setBusy(true);
    await chat.attempt(async () => {
      const ids = chosen.map((person) => person.user_id);
      const id = isGroup
        ? await startGroup(chat, title.trim() || suggestion, ids, key.current)
        : await startDirect(chat, first.user_id);
      onClose();
      openConversation(id);
    });
    setBusy(false);
  };

  return (
    <Dialog title="New conversation" onClose={onClose}>
      <PeoplePicker chosen={chosen} onChange={setChosen} exclude={[chat.me.user_id]} />
      {isGroup && (
        <Field
          label="Group’s title"
          value={title}
          placeholder={suggestion}
          maxLength={128}
          dir="auto"
          onChange={(event) => setTitle(event.target.value)}
        />
      )}
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="primary"
          disabled={!chosen.length || busy}
          onClick={() => void begin()}
        >
          {isGroup ? `Begin a group of ${chosen.length + 1}` : "Begin"}
        </button>
      </footer>
    </Dialog>
  );
}
