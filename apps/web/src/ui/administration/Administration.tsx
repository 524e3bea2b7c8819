import { Flag, ScrollText, Users } from "lucide-react";
import { useId, useState } from "react";
import { Dialog } from "../Dialog";
import { Tabs, type Tab } from "../Tabs";
import { AuditLog } from "./AuditLog";
import { Reports } from "./Reports";
import { Accounts } from "./Accounts";

type Part = "people" | "reports" | "audit";

const PARTS: readonly Tab<Part>[] = [
  { id: "reports", label: "Reports", icon: <Flag /> },
  { id: "people", label: "People", icon: <Users /> },
  { id: "audit", label: "Audit log", icon: <ScrollText /> },
];

/** For administrators of the instance. */
export function Administration({ onClose }: { onClose: () => void }) {
  const [part, setPart] = useState<Part>("reports");
  const panel = useId();
  return (
    <Dialog title="Administration" onClose={onClose} wide>
      <div className="settings">
        <nav className="settings-nav" aria-label="Administration">
          <Tabs
            label="Administration"
            tabs={PARTS}
            selected={part}
            onSelect={setPart}
            panel={panel}
            className="settings-tabs"
          />
        </nav>
        <div
          id={panel}
          role="tabpanel"
          aria-labelledby={`${panel}-${part}`}
          tabIndex={0}
          className="settings-panel"
        >
          {part === "people" && <Accounts />}
          {part === "reports" && <Reports />}
          {part === "audit" && <AuditLog />}
        </div>
      </div>
    </Dialog>
  );
}
