import { LogOut, MonitorSmartphone, Pencil } from "lucide-react";
import { useCallback, useState, type FormEvent } from "react";
import { lastSeen } from "../../core/text";
import {
  listSessions,
  renameSession,
  revokeOtherSessions,
  revokeSession,
  type DeviceSession,
} from "../../store/account";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat, useNow } from "../hooks";
import { entered, useLoaded, useWork } from "../work";
import { Problem } from "../Problem";

/** Where this person is logged in. */
export function Devices() {
  const { api } = useChat();
  const now = useNow();
  const { value: sessions, work: loading, set } = useLoaded(useCallback(() => listSessions(api), [api]));
  const [named, setNamed] = useState<DeviceSession | null>(null);
  const work = useWork();

  const rename = (event: FormEvent<HTMLFormElement>, session: DeviceSession): void => {
    const text = entered(event);
    void work.run(async () => {
      const renamed = await renameSession(api, session.session_id, text("device_name").trim());
      set((all) => all?.map((each) => (each === session ? renamed : each)) ?? null);
      setNamed(null);
    });
  };
  const revoke = (gone: DeviceSession): Promise<boolean> =>
    work.run(async () => {
      await revokeSession(api, gone.session_id);
      set((all) => all?.filter((session) => session !== gone) ?? null);
    });
  const revokeOthers = (): Promise<boolean> =>
    work.run(async () => {
      await revokeOtherSessions(api);
      set((all) => all?.filter((session) => session.current) ?? null);
    });

  return (
    <section className="stack" aria-label="Devices">
      <h3>Where you are logged in</h3>
      <Problem work={loading} />
      <ul className="people">
        {sessions?.map((session) => (
          <li key={session.session_id}>
            <div className="person">
              <MonitorSmartphone />
              <span className="person-text">
                <strong className="cut" dir="auto">
                  {nameOf(session)}
                </strong>
                <small>{session.current ? "this one" : lastSeen(session.last_seen_at, now)}</small>
              </span>
              <button
                type="button"
                className="icon"
                aria-label={`Rename ${nameOf(session)}`}
                title="Rename"
                aria-expanded={session === named}
                onClick={() => setNamed(session === named ? null : session)}
              >
                <Pencil />
              </button>
              {!session.current && (
                <button
                  type="button"
                  aria-label={`Log out ${nameOf(session)}`}
                  disabled={work.busy}
                  onClick={() => void revoke(session)}
                >
                  Log out
                </button>
              )}
            </div>
            {session === named && (
              <form className="stack manage" onSubmit={(event) => rename(event, session)}>
                <Field
                  label="The device's name"
                  name="device_name"
                  defaultValue={session.device_name}
                  maxLength={64}
                  required
                  asked
                  dir="auto"
                  problem={work.of("device_name")}
                />
                <FormFooter action="Rename" disabled={work.busy} onCancel={() => setNamed(null)} />
              </form>
            )}
          </li>
        ))}
      </ul>
      {sessions && sessions.length > 1 && (
        <button
          type="button"
          className="danger-text"
          disabled={work.busy}
          onClick={() => void revokeOthers()}
        >
          <LogOut /> Log out all others
        </button>
      )}
      <Problem work={work} fields={["device_name"]} />
    </section>
  );
}

function nameOf({ device_name: name }: DeviceSession): string {
  return name || "A device";
}
