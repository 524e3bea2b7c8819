import { Check, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Id, Profile } from "../core/wire";
import { Avatar } from "./Avatar";
import { Field } from "./Field";
import { useChat, useSettled } from "./hooks";

interface Props {
  chosen: readonly Profile[];
  onChange: (chosen: readonly Profile[]) => void;
  exclude: readonly Id[];
}

const TYPING_MS = 120;

export function PeoplePicker({ chosen, onChange, exclude }: Props) {
  const chat = useChat();
  const picker = useRef<HTMLDivElement>(null);
  const [text, setText] = useState("");
  const [found, setFound] = useState<readonly Profile[] | null>(null);
  const wanted = useSettled(text.trim().replace(/^@/, ""), TYPING_MS);

  useEffect(() => {
    if (!wanted) {
      setFound(null);
      return undefined;
    }
    const abort = new AbortController();
    void chat
      .attempt(async () => setFound(await chat.people.find(wanted, abort.signal)))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) throw error;
      });
    return () => abort.abort();
  }, [chat, wanted]);

  const isChosen = (person: Profile): boolean => chosen.some((each) => each.user_id === person.user_id);
  const toggle = (person: Profile): void => {
    setText("");
    setFound(null);
    picker.current?.querySelector("input")?.focus();
    onChange(
      isChosen(person) ? chosen.filter((each) => each.user_id !== person.user_id) : [...chosen, person],
    );
  };
  const shown = found?.filter((person) => !exclude.includes(person.user_id));

  return (
    <div className="picker" ref={picker}>
      <Field
        label="Name or @handle"
        type="search"
        autoComplete="off"
        maxLength={64}
        dir="auto"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {chosen.length > 0 && (
        <ul className="chips" aria-label="Chosen people">
          {chosen.map((person) => (
            <li key={person.user_id}>
              <button
                type="button"
                className="chip"
                aria-label={`Remove ${person.display_name}`}
                onClick={() => toggle(person)}
              >
                <span dir="auto">{person.display_name}</span>
                <X />
              </button>
            </li>
          ))}
        </ul>
      )}
      {shown && (
        <ul className="people" id="found" aria-label="People found">
          {shown.map((person) => (
            <li key={person.user_id}>
              <button
                type="button"
                className="person"
                aria-pressed={isChosen(person)}
                onClick={() => toggle(person)}
              >
                <Avatar id={person.user_id} name={person.display_name} />
                <span className="person-text">
                  <strong className="cut" dir="auto">
                    {person.display_name}
                  </strong>
                  <small>
                    @{person.handle}
                    {person.bot && " · bot"}
                  </small>
                </span>
                {isChosen(person) && <Check />}
              </button>
            </li>
          ))}
        </ul>
      )}
      {shown?.length === 0 && <p className="empty">Nobody is called that.</p>}
    </div>
  );
}
