import type { ReactNode } from "react";
import { Copy } from "./Keep";

interface Props {
  /** What it is. */
  name: string;
  secret: string;
  onDone: () => void;
  /** What to do with it. */
  children: ReactNode;
}

/** Something that is shown once. */
export function Secret({ name, secret, onDone, children }: Props) {
  return (
    <div className="stack once" role="group" aria-label={name}>
      <p className="callout" role="status">
        This is shown once: keep it where your program finds it, and nobody else. {children}
      </p>
      <p>
        <code className="secret">{secret}</code>
      </p>
      <footer>
        <Copy text={secret} label="Copy" />
        <button type="button" className="primary" onClick={onDone}>
          I have kept it
        </button>
      </footer>
    </div>
  );
}
