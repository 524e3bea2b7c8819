import type { ReactNode } from "react";
import { openConversation } from "./place";

interface Props {
  conversationId: string;
  seq: number;
  /** It is opened here, and not in another tab. */
  onOpen?: (() => void) | undefined;
  children: ReactNode;
}

/** A link to a message in its conversation. */
export function PlaceLink({ conversationId, seq, onOpen, children }: Props) {
  return (
    <a
      className="hit"
      href={`#/c/${conversationId}/${seq}`}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        openConversation(conversationId, seq);
        onOpen?.();
      }}
    >
      {children}
    </a>
  );
}

/** Closes a panel where it covers what was opened from it. */
export function closeWhereItCovers(close: () => void): void {
  if (matchMedia("(max-width: 72rem)").matches) close();
}
