import { useSyncExternalStore } from "react";
import type { Session } from "../store/session";
import { Entrance } from "./Entrance";
import { Shell } from "./Shell";

export function App({ session }: { session: Session }) {
  const state = useSyncExternalStore(session.subscribe, () => session.state);
  switch (state.kind) {
    case "starting":
      return <div className="starting" role="status" aria-label="RealChat is starting" />;
    case "out":
      return <Entrance key={state.notice} session={session} notice={state.notice} />;
    case "in":
      return <Shell key={state.chat.me.user_id} chat={state.chat} session={session} />;
  }
}
