import { Flag, ScrollText, Users } from "lucide-react";
import { useState } from "react";
import { Dialog } from "../Dialog";
import { Sections } from "../Sections";
import type { Tab } from "../Tabs";
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
  return (
    <Dialog title="Administration" onClose={onClose} wide>
      <Sections label="Administration" tabs={PARTS} selected={part} onSelect={setPart}>
        {part === "people" && <Accounts />}
        {part === "reports" && <Reports />}
        {part === "audit" && <AuditLog />}
      </Sections>
    </Dialog>
  );
}
