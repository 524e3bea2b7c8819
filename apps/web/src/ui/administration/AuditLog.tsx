import { useCallback } from "react";
import { sentence } from "../../core/audit";
import { ago, exactTime } from "../../core/text";
import { listAudit } from "../../store/administration";
import { useChat, useNow } from "../hooks";
import { usePages } from "../pages";
import { More } from "../More";

const COMMAND = "command";

/** What administrators did. Nobody changes it. */
export function AuditLog() {
  const chat = useChat();
  const now = useNow();
  const load = useCallback(
    async (cursor: string | null) => {
      const page = await listAudit(chat.api, cursor);
      const people = page.items.flatMap(({ actor, action, subject_id: subject }) => [
        ...(actor === COMMAND ? [] : [actor]),
        ...(action.startsWith("user.") ? [subject] : []),
      ]);
      void chat.people.meet(people);
      return page;
    },
    [chat],
  );
  const pages = usePages(load);
  const nameOf = (actor: string): string =>
    actor === COMMAND ? "The command line" : chat.people.nameOf(actor);

  return (
    <section className="stack" aria-label="Audit log">
      <ol className="audit" aria-busy={pages.work.busy}>
        {pages.items?.map((entry) => (
          <li key={entry.entry_id}>
            <span className="person-text">
              <span dir="auto">
                {sentence(nameOf(entry.actor), entry.action, chat.people.nameOf(entry.subject_id))}
              </span>
              {entry.detail && <small dir="auto">{entry.detail}</small>}
            </span>
            <time dateTime={entry.at} title={exactTime(entry.at)}>
              {ago(entry.at, now)}
            </time>
          </li>
        ))}
      </ol>
      <More pages={pages} empty="Nothing was done yet." />
    </section>
  );
}
