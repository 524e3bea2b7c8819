import { LogOut } from "lucide-react";
import { useState, type FormEvent } from "react";
import { changeProfile } from "../../store/actions";
import { Avatar } from "../Avatar";
import { Field } from "../Field";
import { useChat } from "../hooks";
import { applyTheme, savedTheme, type Theme } from "../theme";
import { entered, useWork } from "../work";
import { Problem } from "../Problem";

const THEMES: readonly [Theme, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];
const FIELDS = ["display_name", "handle", "bio"] as const;

/** How others see this person, and how the page looks. */
export function ProfileForm({ onDone, onLogOut }: { onDone: () => void; onLogOut: () => void }) {
  const chat = useChat();
  const { me } = chat;
  const [theme, setTheme] = useState(savedTheme);
  const work = useWork();

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    const changes = FIELDS.map((name) => [name, text(name).trim()] as const);
    const change = Object.fromEntries(changes.filter(([name, value]) => value !== me[name]));
    if (!Object.keys(change).length || (await work.run(() => changeProfile(chat, change)))) onDone();
  };

  return (
    <form onSubmit={(event) => void save(event)} className="stack">
      <div className="card-head">
        <Avatar id={me.user_id} name={me.display_name} size="large" />
      </div>
      <Field
        label="Name"
        name="display_name"
        defaultValue={me.display_name}
        maxLength={64}
        required
        dir="auto"
        problem={work.of("display_name")}
      />
      <Field
        label="Handle"
        name="handle"
        defaultValue={me.handle}
        maxLength={32}
        required
        problem={work.of("handle")}
      />
      <Field
        label="About you"
        name="bio"
        defaultValue={me.bio}
        maxLength={500}
        dir="auto"
        problem={work.of("bio")}
      />
      <fieldset className="segments">
        <legend>Appearance</legend>
        {THEMES.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="theme"
              value={value}
              checked={theme === value}
              onChange={() => {
                setTheme(value);
                applyTheme(value);
              }}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <Problem work={work} fields={FIELDS} />
      <footer className="apart">
        <button type="button" onClick={onLogOut}>
          <LogOut /> Log out
        </button>
        <button className="primary" disabled={work.busy}>
          Save
        </button>
      </footer>
    </form>
  );
}
