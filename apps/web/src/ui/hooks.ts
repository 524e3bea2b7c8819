import { createContext, useContext, useEffect, useState, useSyncExternalStore } from "react";
import type { Chat } from "../store/chat";

export const ChatContext = createContext<Chat | null>(null);

/** What this client knows; whoever asks is drawn again when it changes. */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error("There is no chat around this.");
  useSyncExternalStore(chat.subscribe, () => chat.version);
  return chat;
}

/** The time, once a minute: for "Yesterday" and "seen 5 min ago". */
export function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** `value` once it has been the same for a while. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
