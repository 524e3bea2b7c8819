import { useEffect, useId, useRef, type InputHTMLAttributes } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
  problem?: string | null;
  /** Shown because somebody asked for it: takes the focus. */
  asked?: boolean;
}

export function Field({ label, hint, problem, asked = false, ...input }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (asked) field.current?.focus();
  }, [asked]);
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        ref={field}
        id={id}
        aria-invalid={problem ? true : undefined}
        aria-describedby={hint || problem ? `${id}-more` : undefined}
      />
      {problem ? (
        <p className="problem" id={`${id}-more`} role="alert">
          {problem}
        </p>
      ) : (
        hint && (
          <p className="hint" id={`${id}-more`}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}
