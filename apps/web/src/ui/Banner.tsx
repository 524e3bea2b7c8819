import { CloudOff, RefreshCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useChat } from "./hooks";

/** A short gap is nobody's concern. */
const PATIENCE_MS = 1_500;

/** Says that this client is not connected, and what becomes of what is written meanwhile. */
export function Banner() {
  const chat = useChat();
  const { connection } = chat;
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (connection === "up") return undefined;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [connection]);

  const isShown = connection === "stopped" || (connection !== "up" && (isLate || !navigator.onLine));
  const waiting = chat.sender.outbox.filter(
    (each) => each.state !== "failed" && each.state !== "sent",
  ).length;
  const kept = waiting
    ? `${waiting} ${waiting === 1 ? "message waits" : "messages wait"} to be sent.`
    : "What you write is sent later.";
  return (
    <div id="banner" className="banner" role="status" hidden={!isShown}>
      {isShown &&
        (connection === "stopped" ? (
          <>
            <RefreshCw />
            <span>This page is out of date, or open too often.</span>
            <button type="button" onClick={() => location.reload()}>
              Reload
            </button>
          </>
        ) : (
          <>
            <CloudOff />
            <span>
              {navigator.onLine ? "Connecting…" : "You are offline."} {kept}
            </span>
            {navigator.onLine && (
              <button type="button" onClick={() => chat.socket.hurry()}>
                Try now
              </button>
            )}
          </>
        ))}
    </div>
  );
}
