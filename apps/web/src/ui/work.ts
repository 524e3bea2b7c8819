/** What a form or a view does with the server: whether it goes on, and what went wrong, said where it happened. */

import { useCallback, useEffect, useState, type FormEvent } from "react";
import { ApiError, explain } from "../net/problem";

export interface Work {
  busy: boolean;
  problem: { text: string; field: string | null } | null;
  /** True when it was done. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  /** Says no more what went wrong. */
  clear: () => void;
  /** The problem, if it is about this field. */
  of: (field: string) => string | null;
}

export function useWork(): Work {
  const [running, setRunning] = useState(0);
  const [problem, setProblem] = useState<Work["problem"]>(null);
  const run = useCallback(async (work: () => Promise<unknown>): Promise<boolean> => {
    setRunning((count) => count + 1);
    setProblem(null);
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem({ text: explain(error), field: fieldOf(error) });
      return false;
    } finally {
      setRunning((count) => count - 1);
    }
  }, []);
  const of = (field: string): string | null => (problem?.field === field ? problem.text : null);
  const clear = useCallback(() => setProblem(null), []);
  return { busy: running > 0, problem, run, clear, of };
}

const FIELDS: Record<string, string> = { wrong_password: "password", wrong_code: "code" };

/** Which field of a form an error is about. */
function fieldOf(error: ApiError): string | null {
  return error.field ?? FIELDS[error.code] ?? null;
}

/** What was read when the view was opened. */
export function useLoaded<T>(load: () => Promise<T>): {
  value: T | null;
  work: Work;
  set: (value: T | ((before: T | null) => T | null)) => void;
} {
  const [value, set] = useState<T | null>(null);
  const work = useWork();
  const { run } = work;
  useEffect(() => {
    let isWanted = true;
    void run(async () => {
      const loaded = await load();
      if (isWanted) set(() => loaded);
    });
    return () => {
      isWanted = false;
    };
  }, [load, run]);
  return { value, work, set };
}

/** What somebody has put into the fields of a form. */
export function entered(event: FormEvent<HTMLFormElement>): (name: string) => string {
  event.preventDefault();
  const form = new FormData(event.currentTarget);
  return (name) => (form.get(name) as string | null) ?? "";
}
