import { FileText, RotateCw, X } from "lucide-react";
import { bytes } from "../core/text";
import { useChat } from "./hooks";

/** Files that the next message takes with it. */
export function Uploading({ conversationId }: { conversationId: string }) {
  const { uploads } = useChat();
  const all = uploads.of(conversationId);
  if (!all.length) return null;
  return (
    <ul className="uploads" aria-label="Files to be sent">
      {all.map(({ key, file, preview, progress, state, problem }) => (
        <li key={key} className={`upload ${state}`}>
          {preview ? <img src={preview} alt="" /> : <FileText />}
          <span className="person-text">
            <span className="cut" dir="auto">
              {file.name}
            </span>
            {state === "failed" ? (
              <span className="problem" role="alert">
                {problem}
              </span>
            ) : state === "ready" ? (
              <small>{bytes(file.size)}</small>
            ) : (
              <progress value={progress} aria-label={`Uploading ${file.name}`} />
            )}
          </span>
          {state === "failed" && (
            <button
              type="button"
              className="icon"
              aria-label={`Try ${file.name} again`}
              onClick={() => uploads.retry(conversationId, key)}
            >
              <RotateCw />
            </button>
          )}
          <button
            type="button"
            className="icon"
            aria-label={`Remove ${file.name}`}
            onClick={() => uploads.remove(conversationId, key)}
          >
            <X />
          </button>
        </li>
      ))}
    </ul>
  );
}
