import { LogOut } from "lucide-react";
import type { FormEvent } from "react";
import { differing } from "../../core/changes";
import { changeProfile } from "../../store/actions";
import { Avatar } from "../Avatar";
import { Field } from "../Field";
import { useChat } from "../hooks";
import { Segments } from "../Segments";
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
  const work = useWork();

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    const change = differing(me, Object.fromEntries(FIELDS.map((name) => [name, text(name).trim()])));
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
      <Segments
        legend="Appearance"
        name="theme"
        options={THEMES}
        initial={savedTheme()}
        onSelect={applyTheme}
      />
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
