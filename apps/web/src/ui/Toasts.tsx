import { X } from "lucide-react";
import { useCallback, useState } from "react";
import { createPortal } from "react-dom";
import { useTopDialog } from "./layers";

export interface Toast {
  id: number;
  text: string;
}

const SHOWN_MS = 6_000;
let nextId = 1;

export function useToasts(): {
  toasts: readonly Toast[];
  say: (text: string) => void;
  dismiss: (id: number) => void;
} {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const dismiss = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const say = useCallback(
    (text: string) => {
      const id = nextId++;
      setToasts((all) => [...all.filter((toast) => toast.text !== text).slice(-2), { id, text }]);
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );
  return { toasts, say, dismiss };
}

export function Toasts({ toasts, onDismiss }: { toasts: readonly Toast[]; onDismiss: (id: number) => void }) {
  const dialog = useTopDialog();
  const shown = (
    <div className="toasts" role="alert">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast">
          <span dir="auto">{toast.text}</span>
          <button type="button" className="icon" aria-label="Dismiss" onClick={() => onDismiss(toast.id)}>
            <X />
          </button>
        </div>
      ))}
    </div>
  );
  return dialog ? createPortal(shown, dialog) : shown;
}
