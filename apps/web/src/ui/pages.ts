import { useCallback, useEffect, useRef, useState } from "react";
import type { Page } from "../core/wire";
import { useWork, type Work } from "./work";

export interface Pages<T> {
  /** Null until the first page is here. */
  items: readonly T[] | null;
  /** Reads the next page; null after the last one. */
  more: (() => void) | null;
  work: Work;
  change: (how: (items: readonly T[]) => readonly T[]) => void;
}

/** A list that comes in pages: the first one now, again whenever `load` is another. */
export function usePages<T>(load: (cursor: string | null) => Promise<Page<T>>): Pages<T> {
  const [items, setItems] = useState<readonly T[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const work = useWork();
  const { run } = work;
  const wanted = useRef(load);

  const read = useCallback(
    (cursor: string | null) =>
      void run(async () => {
        const page = await load(cursor);
        if (wanted.current !== load) return;
        setItems((before) => (cursor ? [...(before ?? []), ...page.items] : page.items));
        setNext(page.next);
      }),
    [load, run],
  );
  useEffect(() => {
    wanted.current = load;
    setNext(null);
    read(null);
  }, [load, read]);

  return {
    items,
    more: next ? () => read(next) : null,
    work,
    change: (how) => setItems((before) => (before ? how(before) : before)),
  };
}
