import { Check, Copy as CopyIcon, Download } from "lucide-react";
import { useEffect, useState } from "react";
import { download } from "../../store/files";

const SAID_MS = 4_000;

/** Puts a text into the clipboard, and says whether the browser let it. */
export function Copy({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<"idle" | "done" | "refused">("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => setState("idle"), SAID_MS);
    return () => clearTimeout(timer);
  }, [state]);
  // Outside of secure contexts there is no clipboard.
  const clipboard = (navigator as { clipboard?: Clipboard }).clipboard;
  if (!clipboard) return null;
  const copy = (): void => {
    clipboard.writeText(text).then(
      () => setState("done"),
      () => setState("refused"),
    );
  };
  return (
    <button type="button" onClick={copy} aria-live="polite">
      {state === "done" ? <Check /> : <CopyIcon />}
      {state === "done" ? "Copied" : state === "refused" ? "Not allowed to copy" : label}
    </button>
  );
}

export function Save({ text, name, label }: { text: () => string; name: string; label: string }) {
  return (
    <button type="button" onClick={() => saveFile(new Blob([text()], { type: "text/plain" }), name)}>
      <Download /> {label}
    </button>
  );
}

/** Hands a file to the browser's downloads. */
export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
