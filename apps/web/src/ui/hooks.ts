import {
  createContext,
  useCallback,
  useContext,
  useEffect,
  useLayoutEffect,
  useState,
  useSyncExternalStore,
  type RefObject,
} from "react";
import type { Id } from "../core/wire";
import type { Chat } from "../store/chat";
import { WRITE, type Mode } from "../store/model";

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

/** What a composer does; it is the same when somebody comes back to it from another conversation. */
export function useMode(draftId: Id): [Mode, (mode: Mode) => void] {
  const chat = useChat();
  const [mode, setMode] = useState(() => chat.modes.get(draftId) ?? WRITE);
  const choose = useCallback(
    (chosen: Mode) => {
      chat.modes.set(draftId, chosen);
      setMode(chosen);
    },
    [chat, draftId],
  );
  return [mode, choose];
}

/** Once this is gone, gives the focus that was within it back to what had it before. */
export function useFocusBack(element: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const before = document.activeElement;
    const within = element.current;
    return () => {
      if (within?.contains(document.activeElement) && before instanceof HTMLElement && before.isConnected)
        before.focus({ preventScroll: true });
    };
  }, [element]);
}
