import { useId, type InputHTMLAttributes } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
  problem?: string | null;
}

export function Field({ label, hint, problem, ...input }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
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
