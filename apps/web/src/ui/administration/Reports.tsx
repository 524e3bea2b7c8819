import { Check, UserX } from "lucide-react";
import { useCallback, useState } from "react";
import { ago, exactTime } from "../../core/text";
import { listReports, resolveReport, suspend, type Report } from "../../store/administration";
import { useChat, useNow } from "../hooks";
import { usePages } from "../pages";
import { More } from "../More";
import { Reason } from "../Reason";

/** Messages that people found wrong. */
export function Reports() {
  const chat = useChat();
  const [isOpenOnly, setOpenOnly] = useState(true);
  const load = useCallback(
    async (cursor: string | null) => {
      const page = await listReports(chat.api, isOpenOnly, cursor);
      void chat.people.meet(page.items.flatMap((report) => [report.sender_id, report.reporter_id]));
      return page;
    },
    [chat, isOpenOnly],
  );
  const pages = usePages(load);

  return (
    <section className="stack" aria-label="Reports">
      <label className="check">
        <input type="checkbox" checked={isOpenOnly} onChange={(event) => setOpenOnly(event.target.checked)} />
        Only open ones
      </label>
      <ul className="reports" aria-busy={pages.work.busy}>
        {pages.items?.map((report) => (
          <li key={report.report_id}>
            <ReportCard
              report={report}
              onResolved={(resolution) =>
                pages.change((all) =>
                  all.map((each) =>
                    each === report
                      ? {
                          ...report,
                          resolution,
                          resolved_by: chat.me.user_id,
                          resolved_at: new Date().toISOString(),
                        }
                      : each,
                  ),
                )
              }
            />
          </li>
        ))}
      </ul>
      <More pages={pages} empty={isOpenOnly ? "No report is open." : "Nobody has reported anything."} />
    </section>
  );
}

function ReportCard({ report, onResolved }: { report: Report; onResolved: (resolution: string) => void }) {
  const chat = useChat();
  const now = useNow();
  const [asking, setAsking] = useState<"resolve" | "suspend" | null>(null);
  const sender = chat.people.nameOf(report.sender_id);

  const resolve = async (resolution: string): Promise<void> => {
    await resolveReport(chat.api, report.report_id, resolution);
    setAsking(null);
    onResolved(resolution);
  };

  return (
    <article className="report" aria-label={`Report about ${sender}`}>
      <header className="row tight">
        <strong dir="auto">{sender}</strong>
        <small title={exactTime(report.sent_at)}>wrote {ago(report.sent_at, now)}</small>
        <span className={report.resolved_at ? "pill good" : "pill bad"}>
          {report.resolved_at ? "Resolved" : "Open"}
        </span>
      </header>
      <blockquote dir="auto">{report.body}</blockquote>
      <p>
        <small>
          {chat.people.nameOf(report.reporter_id)} reported it {ago(report.reported_at, now)}:
        </small>{" "}
        <span dir="auto">{report.reason}</span>
      </p>
      {report.resolved_at && (
        <p>
          <small>
            {chat.people.nameOf(report.resolved_by ?? "")} resolved it {ago(report.resolved_at, now)}:
          </small>{" "}
          <span dir="auto">{report.resolution}</span>
        </p>
      )}
      {!report.resolved_at && !asking && (
        <div className="row">
          <button type="button" onClick={() => setAsking("resolve")}>
            <Check /> Resolve
          </button>
          {report.sender_id !== chat.me.user_id && (
            <button type="button" className="danger-text" onClick={() => setAsking("suspend")}>
              <UserX /> Suspend {sender}
            </button>
          )}
        </div>
      )}
      {asking === "resolve" && (
        <div className="manage">
          <Reason label="What was done" action="Resolve" onCancel={() => setAsking(null)} onGive={resolve} />
        </div>
      )}
      {asking === "suspend" && (
        <div className="manage">
          <Reason
            label="Why, for other administrators"
            action="Suspend and resolve"
            danger
            onCancel={() => setAsking(null)}
            onGive={async (reason) => {
              await suspend(chat.api, report.sender_id, reason);
              await resolve(`Suspended: ${reason}`);
            }}
          />
        </div>
      )}
    </article>
  );
}
