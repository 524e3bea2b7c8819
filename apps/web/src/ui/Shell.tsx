import { useCallback, useEffect, useMemo, useState } from "react";
import type { Chat } from "../store/chat";
import type { Session } from "../store/session";
import { Administration } from "./administration/Administration";
import { Banner } from "./Banner";
import { Contacts } from "./Contacts";
import { ConversationView } from "./ConversationView";
import { Finder } from "./Finder";
import { ChatContext } from "./hooks";
import { oneLine } from "./mentioning";
import { usePlace } from "./place";
import { Settings } from "./settings/Settings";
import { Sidebar } from "./Sidebar";
import { Toasts, useToasts } from "./Toasts";

export type Panel = "finder" | "settings" | "contacts" | "administration" | null;

export function Shell({ chat, session }: { chat: Chat; session: Session }) {
  const { id: openId, seq, visit } = usePlace();
  const [panel, setPanel] = useState<Panel>(null);
  const [announcement, setAnnouncement] = useState("");
  const { toasts, say, dismiss } = useToasts();
  const close = useCallback(() => setPanel(null), []);

  useEffect(() => {
    chat.onProblem = say;
    chat.onMessage = (conversation, event) => {
      if (conversation.id !== openId || document.hidden) return;
      const { body, attachments = [], mentions = [], mention_all: mentionAll = false } = event.data;
      const said = oneLine(chat, { body, attachments, mentions, mentionAll });
      setAnnouncement(`${chat.people.nameOf(event.actor_id)}: ${said}`);
    };
  }, [chat, say, openId]);

  useEffect(() => {
    const hurry = (): void => chat.socket.hurry();
    const shown = (): void => {
      if (!document.hidden) hurry();
    };
    const keys = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        document.querySelector<HTMLElement>("#filter")?.focus();
      }
    };
    addEventListener("online", hurry);
    addEventListener("offline", hurry);
    document.addEventListener("visibilitychange", shown);
    addEventListener("keydown", keys);
    return () => {
      removeEventListener("online", hurry);
      removeEventListener("offline", hurry);
      document.removeEventListener("visibilitychange", shown);
      removeEventListener("keydown", keys);
    };
  }, [chat]);

  const logOut = useMemo(() => () => void chat.attempt(session.logOut), [chat, session]);

  return (
    <ChatContext value={chat}>
      <main className="shell" data-open={openId !== null}>
        <h1 className="unseen">RealChat</h1>
        <Banner />
        <Sidebar openId={openId} onPanel={setPanel} onLogOut={logOut} />
        <ConversationView key={openId} id={openId} seq={seq} visit={visit} />
        {panel === "finder" && <Finder onClose={close} />}
        {panel === "contacts" && <Contacts onClose={close} />}
        {panel === "administration" && <Administration onClose={close} />}
        {panel === "settings" && (
          <Settings
            onClose={close}
            onLogOut={logOut}
            onErase={session.erase}
            onAdminister={() => setPanel("administration")}
          />
        )}
        <Toasts toasts={toasts} onDismiss={dismiss} />
        <p className="unseen" role="log" aria-live="polite">
          {announcement}
        </p>
      </main>
    </ChatContext>
  );
}
