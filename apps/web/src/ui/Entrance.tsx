import { useId, useState, type FormEvent } from "react";
import { ApiError, explain } from "../net/problem";
import type { Session } from "../store/session";
import { Field } from "./Field";
import { Tabs, type Tab } from "./Tabs";
import { fieldOf } from "./work";

type Mode = "login" | "register";

const MODES: readonly Tab<Mode>[] = [
  { id: "login", label: "Log in" },
  { id: "register", label: "Register" },
];

export function Entrance({ session, notice }: { session: Session; notice: string | null }) {
  const [mode, setMode] = useState<Mode>("login");
  const [problem, setProblem] = useState<{ text: string; field: string | null } | null>(null);
  const [busy, setBusy] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const [said, setSaid] = useState(notice);
  const [hasPhone, setHasPhone] = useState(true);
  const panel = useId();

  const say = (error: unknown): void =>
    setProblem({ text: explain(error), field: error instanceof ApiError ? fieldOf(error) : null });
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string): string => (form.get(name) as string | null) ?? "";
    setBusy(true);
    setProblem(null);
    try {
      if (mode === "login") await session.logIn(text("email"), text("password"), text("code").trim());
      else await session.register(text("email"), text("password"), text("name"));
    } catch (error) {
      setBusy(false);
      if (error instanceof ApiError && error.code === "second_factor_required") {
        setNeedsCode(true);
        if (!text("code")) return;
      }
      say(error);
    }
  };
  const forgot = async (email: HTMLInputElement): Promise<void> => {
    if (!email.reportValidity()) return;
    setProblem(null);
    try {
      await session.forgot(email.value.trim());
      setSaid(`If ${email.value.trim()} has an account, a mail for another password is on its way there.`);
    } catch (error) {
      say(error);
    }
  };
  const choose = (chosen: Mode): void => {
    setMode(chosen);
    setProblem(null);
  };

  return (
    <main className="entrance">
      <div className="entrance-card">
        <header>
          <img src="/icon.svg" alt="" width="52" height="52" />
          <h1>RealChat</h1>
          <p>Conversations that arrive.</p>
        </header>
        {said && (
          <p className="callout" role="status">
            {said}
          </p>
        )}
        <Tabs label="Log in or register" tabs={MODES} selected={mode} onSelect={choose} panel={panel} />
        <form
          id={panel}
          role="tabpanel"
          aria-labelledby={`${panel}-${mode}`}
          onSubmit={(event) => void submit(event)}
        >
          {mode === "register" && (
            <Field
              label="Your name"
              name="name"
              autoComplete="name"
              maxLength={64}
              required
              dir="auto"
              problem={problem?.field === "display_name" ? problem.text : null}
            />
          )}
          <Field
            label="Email"
            name="email"
            type="email"
            autoComplete="username"
            required
            problem={problem?.field === "email" ? problem.text : null}
          />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete={mode === "login" ? "current-password" : "new-password"}
            required
            problem={problem?.field === "password" ? problem.text : null}
            {...(mode === "register" && { hint: "A sentence is easier to remember than a word." })}
          />
          {mode === "login" && needsCode && (
            <>
              <Field
                key={String(hasPhone)}
                label={hasPhone ? "Code" : "Recovery code"}
                name="code"
                autoComplete={hasPhone ? "one-time-code" : "off"}
                {...(hasPhone && { inputMode: "numeric" })}
                required
                asked
                hint={hasPhone ? "From your authenticator." : "One that you have not used yet."}
                problem={problem?.field === "code" ? problem.text : null}
              />
              <button type="button" className="link" onClick={() => setHasPhone(!hasPhone)}>
                {hasPhone ? "Use a recovery code instead" : "Use the authenticator instead"}
              </button>
            </>
          )}
          {problem && !["display_name", "email", "password", "code"].includes(problem.field ?? "") && (
            <p className="problem" role="alert">
              {problem.text}
            </p>
          )}
          <button className="primary" disabled={busy}>
            {mode === "login" ? "Log in" : "Create account"}
          </button>
          {mode === "login" && (
            <button
              type="button"
              className="link"
              onClick={(event) =>
                void forgot(event.currentTarget.form?.elements.namedItem("email") as HTMLInputElement)
              }
            >
              Forgotten your password?
            </button>
          )}
        </form>
      </div>
    </main>
  );
}
