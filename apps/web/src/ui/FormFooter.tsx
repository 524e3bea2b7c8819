import type { ReactNode } from "react";

interface Props {
  /** What the form does. */
  action: ReactNode;
  disabled: boolean;
  danger?: boolean;
  cancel?: string;
  onCancel: () => void;
}

/** How a form ends: it is left, or does what it is for. */
export function FormFooter({ action, disabled, danger = false, cancel = "Cancel", onCancel }: Props) {
  return (
    <footer>
      <button type="button" onClick={onCancel}>
        {cancel}
      </button>
      <button className={danger ? "danger" : "primary"} disabled={disabled}>
        {action}
      </button>
    </footer>
  );
}
