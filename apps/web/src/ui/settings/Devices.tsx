import { LogOut, MonitorSmartphone } from "lucide-react";
import { useCallback } from "react";
import { lastSeen } from "../../core/text";
import { listSessions, revokeOtherSessions, revokeSession, type DeviceSession } from "../../store/account";
import { useChat, useNow } from "../hooks";
import { useLoaded, useWork } from "../work";
import { Problem } from "../Problem";

/** Where this person is logged in. */
export function Devices() {
  const { api } = useChat();
  const now = useNow();
  const { value: sessions, work: loading, set } = useLoaded(useCallback(() => listSessions(api), [api]));
  const work = useWork();

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
          <li key={session.session_id} className="person">
            <MonitorSmartphone />
            <span className="person-text">
              <strong>{session.device_name || "A device"}</strong>
              <small>{session.current ? "this one" : lastSeen(session.last_seen_at, now)}</small>
            </span>
            {!session.current && (
              <button
                type="button"
                aria-label={`Log out ${session.device_name || "a device"}`}
                disabled={work.busy}
                onClick={() => void revoke(session)}
              >
                Log out
              </button>
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
      <Problem work={work} />
    </section>
  );
}
