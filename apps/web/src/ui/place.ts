/** The part of the address after #, which says what is open. */

import { useSyncExternalStore } from "react";

const OPEN = /^#\/c\/([0-9a-f-]{36})(?:\/(\d+))?$/;

/** Rises each time when somebody asks for a place, also when it is the same again. */
let visits = 0;

export interface Place {
  id: string | null;
  /** What is to be shown of the conversation, instead of where this person left off. */
  seq: number | null;
  visit: number;
}

let current: Place & { hash: string } = { hash: "", id: null, seq: null, visit: 0 };

export function openConversation(id: string | null, seq?: number): void {
  visits++;
  const wanted = id === null ? "" : `#/c/${id}${seq === undefined ? "" : `/${seq}`}`;
  if (location.hash === wanted) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = wanted;
}

function read(): Place {
  const { hash } = location;
  if (hash !== current.hash || visits !== current.visit) {
    const [, id = null, seq] = OPEN.exec(hash) ?? [];
    current = { hash, id, seq: seq === undefined ? null : Number(seq), visit: visits };
  }
  return current;
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, read);
}
