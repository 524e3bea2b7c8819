import { useId, useState, type FormEvent } from "react";
import { ApiError } from "../net/problem";
import type { Session } from "../store/session";
import { Field } from "./Field";
import { Problem } from "./Problem";
import { Tabs, type Tab } from "./Tabs";
import { entered, useWork } from "./work";

type Mode = "login" | "register";

const MODES: readonly Tab<Mode>[] = [
  { id: "login", label: "Log in" },
  { id: "register", label: "Register" },
];

export function Entrance({ session, notice }: { session: Session; notice: string | null }) {
  const [mode, setMode] = useState<Mode>("login");
  const work = useWork();
  const { busy, run, clear, of } = work;
  const [needsCode, setNeedsCode] = useState(false);
  const [said, setSaid] = useState(notice);
  const [hasPhone, setHasPhone] = useState(true);
  const panel = useId();

  const submit = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void run(async () => {
      if (mode === "register") return session.register(text("email"), text("password"), text("name"));
      try {
        await session.logIn(text("email"), text("password"), text("code").trim());
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== "second_factor_required") throw error;
        setNeedsCode(true);
        if (text("code")) throw error;
      }
    });
  };
  const forgot = (field: HTMLInputElement): void => {
    if (!field.reportValidity()) return;
    const email = field.value.trim();
    void run(async () => {
      await session.forgot(email);
      setSaid(`If ${email} has an account, a mail for another password is on its way there.`);
    });
  };
  const choose = (chosen: Mode): void => {
    setMode(chosen);
    clear();
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
        <form id={panel} role="tabpanel" aria-labelledby={`${panel}-${mode}`} onSubmit={submit}>
          {mode === "register" && (
            <Field
              label="Your name"
              name="name"
              autoComplete="name"
              maxLength={64}
              required
              dir="auto"
              problem={of("display_name")}
            />
          )}
          <Field
            label="Email"
            name="email"
            type="email"
            autoComplete="username"
            required
            problem={of("email")}
          />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete={mode === "login" ? "current-password" : "new-password"}
            required
            problem={of("password")}
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
                problem={of("code")}
              />
              <button type="button" className="link" onClick={() => setHasPhone(!hasPhone)}>
                {hasPhone ? "Use a recovery code instead" : "Use the authenticator instead"}
              </button>
            </>
          )}
          <Problem work={work} fields={["display_name", "email", "password", "code"]} />
          <button className="primary" disabled={busy}>
            {mode === "login" ? "Log in" : "Create account"}
          </button>
          {mode === "login" && (
            <button
              type="button"
              className="link"
              onClick={(event) =>
                forgot(event.currentTarget.form?.elements.namedItem("email") as HTMLInputElement)
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
