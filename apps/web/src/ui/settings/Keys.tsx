import { KeyRound, Plus, RotateCw, Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import { DEEDS, NOUNS, summary, USUAL, type Scope } from "../../core/scopes";
import { ago, fullDay } from "../../core/text";
import { createKey, revokeKey, wishLike, type ApiKey, type Bot, type KeyWish } from "../../store/bots";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat, useNow } from "../hooks";
import { entered, useWork } from "../work";
import { Problem } from "../Problem";
import { Secret } from "./Secret";

interface Made {
  key: ApiKey;
  secret: string;
  /** Ends when the new one is kept. */
  replaces: ApiKey | null;
}

/** What a bot comes in by. */
export function Keys({ bot, onChange }: { bot: Bot; onChange: (keys: ApiKey[]) => void }) {
  const { api } = useChat();
  const now = useNow();
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const work = useWork();

  const make = (wish: KeyWish, replaces: ApiKey | null): Promise<boolean> =>
    work.run(async () => {
      const created = await createKey(api, bot.bot_id, wish);
      onChange([...bot.keys, created.key]);
      setMaking(false);
      setMade({ ...created, replaces });
    });
  const revoke = (key: ApiKey): Promise<boolean> =>
    work.run(async () => {
      await revokeKey(api, bot.bot_id, key.key_id);
      onChange(bot.keys.filter((each) => each.key_id !== key.key_id));
    });
  const keep = async (): Promise<void> => {
    if (!made?.replaces || (await revoke(made.replaces))) setMade(null);
  };

  return (
    <section className="stack" aria-labelledby="keys">
      <h3 id="keys">Keys</h3>
      <ul className="people">
        {bot.keys.map((key) => (
          <li key={key.key_id} className="person">
            <KeyRound />
            <span className="person-text">
              <strong className="cut" dir="auto">
                {key.name || key.prefix}
              </strong>
              <small>{summary(key.scopes)}</small>
              <small>
                {key.prefix}… · {key.last_used_at ? `used ${ago(key.last_used_at, now)}` : "never used"}
                {key.expires_at && ` · until ${fullDay(key.expires_at)}`}
              </small>
            </span>
            <button
              type="button"
              className="icon"
              aria-label={`Rotate ${key.name || key.prefix}`}
              title="Rotate: another key like this one, instead of it"
              disabled={work.busy || made !== null}
              onClick={() => void make(wishLike(key), key)}
            >
              <RotateCw />
            </button>
            <button
              type="button"
              className="icon danger-text"
              aria-label={`Revoke ${key.name || key.prefix}`}
              title="Revoke"
              disabled={work.busy || made !== null}
              onClick={() => void revoke(key)}
            >
              <Trash2 />
            </button>
          </li>
        ))}
      </ul>
      <Problem work={work} fields={["name"]} />
      {made ? (
        <Secret name="The new key" secret={made.secret} onDone={() => void keep()}>
          {made.replaces && "The key that it replaces ends when you have kept this one."}
        </Secret>
      ) : isMaking ? (
        <NewKey problem={work.of("name")} busy={work.busy} onMake={make} onCancel={() => setMaking(false)} />
      ) : (
        <button type="button" onClick={() => setMaking(true)}>
          <Plus /> New key
        </button>
      )}
    </section>
  );
}

const LIVES: readonly [number, string][] = [
  [30, "30 days"],
  [90, "90 days"],
  [365, "A year"],
  [0, "Until it is revoked"],
];

interface NewKeyProps {
  problem: string | null;
  busy: boolean;
  onMake: (wish: KeyWish, replaces: null) => Promise<boolean>;
  onCancel: () => void;
}

function NewKey({ problem, busy, onMake, onCancel }: NewKeyProps) {
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set(USUAL));
  const toggle = (scope: Scope): void => {
    const next = new Set(scopes);
    if (!next.delete(scope)) next.add(scope);
    setScopes(next);
  };
  const make = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void onMake({ name: text("name").trim(), scopes: [...scopes], days: Number(text("days")) }, null);
  };
  return (
    <form className="stack" onSubmit={make}>
      <Field label="What it is for" name="name" maxLength={64} required asked dir="auto" problem={problem} />
      <fieldset className="scopes">
        <legend>What it is good for</legend>
        {NOUNS.map((noun) => (
          <div key={noun} className="row" role="group" aria-label={noun}>
            <span>{noun}</span>
            {DEEDS.map((deed) => (
              <label key={deed}>
                <input
                  type="checkbox"
                  checked={scopes.has(`${noun}:${deed}`)}
                  onChange={() => toggle(`${noun}:${deed}`)}
                />
                {deed}
              </label>
            ))}
          </div>
        ))}
      </fieldset>
      <label className="field">
        <span>It ends after</span>
        <select name="days" defaultValue={90}>
          {LIVES.map(([days, label]) => (
            <option key={days} value={days}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <FormFooter action="Make the key" disabled={busy || !scopes.size} onCancel={onCancel} />
    </form>
  );
}
