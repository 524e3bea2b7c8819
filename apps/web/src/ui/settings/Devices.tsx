import { MonitorSmartphone } from "lucide-react";
import { useCallback } from "react";
import { lastSeen } from "../../core/text";
import { listSessions, revokeSession, type DeviceSession } from "../../store/account";
import { useChat, useNow } from "../hooks";
import { useLoaded, useWork } from "../work";
import { Problem } from "./Problem";

/** Where this person is logged in. */
export function Devices() {
  const { api } = useChat();
  const now = useNow();
  const { value: sessions, problem, set } = useLoaded(useCallback(() => listSessions(api), [api]));
  const work = useWork();

  const revoke = (gone: DeviceSession): Promise<boolean> =>
    work.run(async () => {
      await revokeSession(api, gone.session_id);
      set((all) => all?.filter((session) => session !== gone) ?? null);
    });

  return (
    <section className="stack" aria-label="Devices">
      <h3>Where you are logged in</h3>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
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
      <Problem work={work} />
    </section>
  );
}
