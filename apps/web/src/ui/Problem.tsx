import type { Work } from "./work";

/** What went wrong, unless a field of the form says so itself. */
export function Problem({ work, fields }: { work: Work; fields?: readonly string[] }) {
  if (!work.problem || fields?.includes(work.problem.field ?? "")) return null;
  return (
    <p className="problem" role="alert">
      {work.problem.text}
    </p>
  );
}
