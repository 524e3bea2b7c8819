import { X } from "lucide-react";
import { useRef, type ReactNode } from "react";
import { useFocusBack } from "./hooks";

interface Props {
  title: string;
  label: string;
  /** What the button that closes it is called. */
  closing: string;
  className?: string;
  /** Escape means something else at the moment. */
  keepsOpen?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** Beside a conversation, or over it where there is little room. */
export function Panel({ title, label, closing, className, keepsOpen = false, onClose, children }: Props) {
  const panel = useRef<HTMLElement>(null);
  useFocusBack(panel);
  return (
    <section
      ref={panel}
      className={className ? `details ${className}` : "details"}
      aria-label={label}
      onKeyDown={(event) => {
        const isOfAnother = (event.target as Element).closest("dialog, [role=menu]") !== null;
        if (event.key === "Escape" && !keepsOpen && !isOfAnother) onClose();
      }}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" className="icon" aria-label={closing} onClick={onClose}>
          <X />
        </button>
      </header>
      {children}
    </section>
  );
}
