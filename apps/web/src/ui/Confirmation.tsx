import { useState, type FormEvent } from "react";
import { Api } from "../net/api";
import { explain } from "../net/problem";
import { Field } from "./Field";

interface Purpose {
  text: string;
  button: string;
  done: string;
}

const PURPOSES: Record<string, Purpose> = {
  verify: { text: "Is this address yours?", button: "Confirm my address", done: "The address is confirmed." },
  change: {
    text: "Shall your account have this address?",
    button: "Confirm my new address",
    done: "Your account has the new address.",
  },
  reset: {
    text: "Choose another password.",
    button: "Set my password",
    done: "You have another password. Log in with it.",
  },
};

const api = new Api();

/** Only a press confirms: programs that look through mails open links, too. */
export function Confirmation({ purpose, token }: { purpose: string; token: string }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [state, setState] = useState<"asking" | "busy" | "done">("asking");
  const known = token ? PURPOSES[purpose] : undefined;

  const confirm = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const password = new FormData(event.currentTarget).get("password");
    setState("busy");
    setProblem(null);
    try {
      if (purpose === "reset") {
        await api.anonymous("/v1/auth/password-resets/confirm", { token, new_password: password });
      } else await api.anonymous("/v1/auth/email-confirmations", { token });
      setState("done");
    } catch (error) {
      setProblem(explain(error));
      setState("asking");
    }
  };

  return (
    <main className="entrance">
      <div className="entrance-card">
        <header>
          <img src="/icon.svg" alt="" width="52" height="52" />
          <h1>RealChat</h1>
          <p role="status">
            {known ? (state === "done" ? known.done : known.text) : "This link is not whole."}
          </p>
        </header>
        {known && state !== "done" && (
          <form onSubmit={(event) => void confirm(event)}>
            {purpose === "reset" && (
              <Field
                label="New password"
                name="password"
                type="password"
                autoComplete="new-password"
                minLength={8}
                maxLength={128}
                required
              />
            )}
            {problem && (
              <p className="problem" role="alert">
                {problem}
              </p>
            )}
            <button className="primary" disabled={state === "busy"}>
              {known.button}
            </button>
          </form>
        )}
        <a href="/">To the conversations</a>
      </div>
    </main>
  );
}
