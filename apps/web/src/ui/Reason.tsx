import type { FormEvent, ReactNode } from "react";
import { Field } from "./Field";
import { FormFooter } from "./FormFooter";
import { Problem } from "./Problem";
import { entered, useWork } from "./work";

interface Props {
  label: string;
  action: string;
  danger?: boolean;
  onCancel: () => void;
  /** Throws ApiError. */
  onGive: (text: string) => Promise<void>;
  children?: ReactNode;
}

const FIELDS = ["reason", "resolution"];

/** Asks why, in words that administrators read. */
export function Reason({ label, action, danger = false, onCancel, onGive, children }: Props) {
  const work = useWork();
  const give = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(() => onGive(text("reason").trim()));
  };
  return (
    <form className="stack" onSubmit={give}>
      {children}
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
      <FormFooter action={action} disabled={work.busy} danger={danger} onCancel={onCancel} />
    </form>
  );
}
