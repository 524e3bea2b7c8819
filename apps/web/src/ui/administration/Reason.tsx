import type { FormEvent } from "react";
import { Field } from "../Field";
import { Problem } from "../settings/Problem";
import { entered, useWork } from "../work";

interface Props {
  label: string;
  action: string;
  danger?: boolean;
  onCancel: () => void;
  /** Throws ApiError. */
  onGive: (text: string) => Promise<void>;
}

const FIELDS = ["reason", "resolution"];

/** Asks for the words that go into the audit log. */
export function Reason({ label, action, danger = false, onCancel, onGive }: Props) {
  const work = useWork();
  const give = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(() => onGive(text("reason").trim()));
  };
  return (
    <form className="stack manage" onSubmit={give}>
      <Field
        label={label}
        name="reason"
        maxLength={500}
        required
        asked
        dir="auto"
        problem={FIELDS.map(work.of).find(Boolean) ?? null}
      />
      <Problem work={work} fields={FIELDS} />
      <footer>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button className={danger ? "danger" : "primary"} disabled={work.busy}>
          {action}
        </button>
      </footer>
    </form>
  );
}
