import { LogOut, MonitorSmartphone } from "lucide-react";
import { useEffect, useState, type FormEvent } from "react";
import { lastSeen } from "../core/text";
import { changeProfile, listSessions, revokeSession, type DeviceSession } from "../store/actions";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat, useNow } from "./hooks";
import { applyTheme, savedTheme, type Theme } from "./theme";

const THEMES: readonly [Theme, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

export function Account({ onClose, onLogOut }: { onClose: () => void; onLogOut: () => void }) {
  const chat = useChat();
  const { me } = chat;
  const [theme, setTheme] = useState(savedTheme);

  const save = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => ((form.get(name) as string | null) ?? "").trim();
    const change = {
      ...(text("display_name") !== me.display_name && { display_name: text("display_name") }),
      ...(text("handle") !== me.handle && { handle: text("handle") }),
      ...(text("bio") !== me.bio && { bio: text("bio") }),
    };
    if (!Object.keys(change).length) onClose();
    else void chat.attempt(() => changeProfile(chat, change)).then((done) => done && onClose());
  };

  return (
    <Dialog title="Your account" onClose={onClose} wide>
      <form onSubmit={save} className="profile">
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
        />
        <Field label="Handle" name="handle" defaultValue={me.handle} maxLength={32} required />
        <Field label="About you" name="bio" defaultValue={me.bio} maxLength={500} dir="auto" />
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
        <Devices />
        <footer>
          <button type="button" onClick={onLogOut}>
            <LogOut /> Log out
          </button>
          <button className="primary">Save</button>
        </footer>
      </form>
    </Dialog>
  );
}

function Devices() {
  const chat = useChat();
  const now = useNow();
  const [sessions, setSessions] = useState<readonly DeviceSession[]>([]);

  useEffect(() => {
    void chat.attempt(async () => setSessions(await listSessions(chat)));
  }, [chat]);

  const revoke = (id: string): void => {
    void chat.attempt(async () => {
      await revokeSession(chat, id);
      setSessions((all) => all.filter((session) => session.session_id !== id));
    });
  };

  return (
    <section aria-label="Devices">
      <h3>Devices</h3>
      <ul className="people">
        {sessions.map((session) => (
          <li key={session.session_id} className="person">
            <MonitorSmartphone />
            <span className="person-text">
              <strong>{session.device_name || "A device"}</strong>
              <small>{session.current ? "this one" : lastSeen(session.last_seen_at, now)}</small>
            </span>
            {!session.current && (
              <button
                type="button"
                aria-label={`Log out ${session.device_name}`}
                onClick={() => revoke(session.session_id)}
              >
                Log out
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
