import { Lock } from "lucide-react";
import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import type { Message, PollState } from "../core/message";
import { closePoll, createPoll, readPoll, votePoll, type PollResults } from "../store/actions";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat, useSettled } from "./hooks";

/** Many votes at once are one question to the server. */
const VOTES_MS = 400;
const MOST_OPTIONS = 12;

interface Props {
  conversationId: string;
  message: Message;
  poll: PollState;
  mayClose: boolean;
}

export function Poll({ conversationId, message, poll, mayClose }: Props) {
  const chat = useChat();
  const [results, setResults] = useState<PollResults | null>(null);
  const [mine, setMine] = useState<readonly number[] | null>(null);
  /** Of the buttons here: the same poll may also be shown in a thread. */
  const group = useId();
  const heardAt = useSettled(poll.heardAt, VOTES_MS);

  useEffect(() => {
    let isWanted = true;
    // Without an answer, what is shown is of before; the next vote or visit asks again.
    readPoll(chat, conversationId, message.id).then(
      (read) => isWanted && setResults(read),
      () => undefined,
    );
    return () => {
      isWanted = false;
    };
  }, [chat, conversationId, message.id, heardAt]);

  const chosen = mine ?? results?.mine ?? [];
  const voters = results?.voters ?? 0;
  const choose = (option: number, isChosen: boolean): void => {
    const others = poll.multiple ? chosen.filter((each) => each !== option) : [];
    const choices = isChosen ? [...others, option].toSorted((a, b) => a - b) : others;
    setMine(choices);
    void chat
      .attempt(async () => {
        await votePoll(chat, conversationId, message.id, choices);
        setResults(await readPoll(chat, conversationId, message.id));
      })
      .then(() => setMine(null));
  };

  return (
    <fieldset className="poll" disabled={poll.closed}>
      <legend className="unseen">{message.body}</legend>
      {poll.options.map((option, index) => {
        const count = results?.counts[index] ?? 0;
        return (
          <label key={option} className="poll-option">
            <input
              type={poll.multiple ? "checkbox" : "radio"}
              name={group}
              checked={chosen.includes(index)}
              onChange={(event) => choose(index, event.target.checked)}
            />
            <span dir="auto">{option}</span>
            <output aria-label={`${count} ${count === 1 ? "vote" : "votes"}`}>{count}</output>
            <progress aria-hidden="true" value={voters ? count / voters : 0} />
          </label>
        );
      })}
      <p className="poll-about">
        {poll.closed && <Lock />}
        {poll.closed ? "Closed" : poll.multiple ? "Choose one or more" : "Choose one"} · {voters}{" "}
        {voters === 1 ? "has voted" : "have voted"}
        {!poll.closed && chosen.length > 0 && !poll.multiple && (
          <button type="button" onClick={() => choose(chosen[0] ?? 0, false)}>
            Take back
          </button>
        )}
        {!poll.closed && mayClose && (
          <button
            type="button"
            onClick={() => void chat.attempt(() => closePoll(chat, conversationId, message.id))}
          >
            Close poll
          </button>
        )}
      </p>
    </fieldset>
  );
}

export function NewPoll({ conversationId, onClose }: { conversationId: string; onClose: () => void }) {
  const chat = useChat();
  const key = useRef(crypto.randomUUID());
  const [options, setOptions] = useState<readonly { id: number; text: string }[]>([
    { id: 0, text: "" },
    { id: 1, text: "" },
  ]);
  const write = (id: number, text: string): void => {
    const written = options.map((each) => (each.id === id ? { ...each, text } : each));
    const isFull = written.every((each) => each.text.trim());
    setOptions(
      isFull && written.length < MOST_OPTIONS ? [...written, { id: written.length, text: "" }] : written,
    );
  };
  const texts = options.map((each) => each.text.trim()).filter(Boolean);
  const isTwice = new Set(texts).size < texts.length;
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const question = ((form.get("question") as string | null) ?? "").trim();
    const poll = { question, options: texts, multiple: form.has("multiple") };
    void chat
      .attempt(() => createPoll(chat, conversationId, poll, key.current))
      .then((isDone) => isDone && onClose());
  };
  return (
    <Dialog title="New poll" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <Field label="Question" name="question" maxLength={1000} required dir="auto" autoComplete="off" />
        {options.map(({ id, text }) => (
          <Field
            key={id}
            label={`Option ${id + 1}`}
            value={text}
            maxLength={200}
            required={id < 2}
            dir="auto"
            autoComplete="off"
            onChange={(event) => write(id, event.target.value)}
          />
        ))}
        {isTwice && (
          <p className="problem" role="alert">
            An option is there twice.
          </p>
        )}
        <label className="check">
          <input type="checkbox" name="multiple" /> More than one may be chosen
        </label>
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button className="primary" disabled={texts.length < 2 || isTwice}>
            Send poll
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
