import { useState, type FormEvent } from "react";
import { changeEmail, changePassword, setReminders, verifyEmail, type Account } from "../../store/account";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat } from "../hooks";
import { entered, useWork } from "../work";
import { Problem } from "../Problem";

/** The address that the account is found by. */
export function Email({ account }: { account: Account }) {
  const { api } = useChat();
  const [isChanging, setChanging] = useState(false);
  const [said, setSaid] = useState("");
  const work = useWork();

  const change = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    const email = text("email").trim();
    if (!(await work.run(() => changeEmail(api, text("password"), email)))) return;
    setChanging(false);
    setSaid(`A mail went to ${email}. The account has this address when you open its link.`);
  };
  const verify = async (): Promise<void> => {
    if (await work.run(() => verifyEmail(api))) setSaid(`A mail went to ${account.email}.`);
  };

  return (
    <section className="stack" aria-labelledby="email">
      <header className="stack-head">
        <h3 id="email">Email</h3>
        <span className={account.email_verified ? "pill good" : "pill"}>
          {account.email_verified ? "Confirmed" : "Not confirmed"}
        </span>
      </header>
      <p className="wrap">{account.email}</p>
      {said && <p role="status">{said}</p>}
      {isChanging ? (
        <form className="stack" onSubmit={(event) => void change(event)}>
          <Field
            label="New email"
            name="email"
            type="email"
            autoComplete="email"
            required
            asked
            problem={work.of("email")}
          />
          <Field
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            problem={work.of("password")}
          />
          <Problem work={work} fields={["email", "password"]} />
          <FormFooter action="Change" disabled={work.busy} onCancel={() => setChanging(false)} />
        </form>
      ) : (
        <>
          <div className="row">
            <button type="button" onClick={() => setChanging(true)}>
              Change email
            </button>
            {!account.email_verified && (
              <button type="button" disabled={work.busy} onClick={() => void verify()}>
                Send the mail again
              </button>
            )}
          </div>
          <Problem work={work} />
        </>
      )}
    </section>
  );
}

/** Whether mails tell what waits while this person is away. */
export function Reminders({ account, onChange }: { account: Account; onChange: (account: Account) => void }) {
  const { api } = useChat();
  const work = useWork();

  return (
    <section className="stack" aria-labelledby="reminders">
      <h3 id="reminders">Reminders</h3>
      <label className="check">
        <input
          type="checkbox"
          checked={account.reminders}
          disabled={work.busy}
          onChange={(event) => {
            const { checked } = event.target;
            void work.run(async () => onChange(await setReminders(api, checked)));
          }}
        />
        Mail me when messages wait for me while I am away
      </label>
      <Problem work={work} />
    </section>
  );
}

export function Password() {
  const { api } = useChat();
  const [state, setState] = useState<"idle" | "changing" | "done">("idle");
  const work = useWork();

  const change = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    if (await work.run(() => changePassword(api, text("current"), text("new")))) setState("done");
  };
  // What is wrong with the new one has its name; the current one can only be the wrong one.
  const isCurrent = work.problem?.field === "password";

  return (
    <section className="stack" aria-labelledby="password">
      <h3 id="password">Password</h3>
      {state === "done" && <p role="status">It is changed, and all other devices are logged out.</p>}
      {state === "changing" ? (
        <form className="stack" onSubmit={(event) => void change(event)}>
          <Field
            label="Current password"
            name="current"
            type="password"
            autoComplete="current-password"
            required
            asked
            problem={isCurrent ? (work.problem?.text ?? null) : null}
          />
          <Field
            label="New password"
            name="new"
            type="password"
            autoComplete="new-password"
            minLength={8}
            maxLength={128}
            required
            hint="A sentence is easier to remember than a word."
            problem={work.of("new_password")}
          />
          <Problem work={work} fields={["password", "new_password"]} />
          <FormFooter action="Change" disabled={work.busy} onCancel={() => setState("idle")} />
        </form>
      ) : (
        <button type="button" onClick={() => setState("changing")}>
          Change password
        </button>
      )}
    </section>
  );
}
