import { Download, Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import { exportData } from "../../store/account";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat } from "../hooks";
import { entered, useWork } from "../work";
import { saveFile } from "./Keep";
import { Problem } from "../Problem";

/** A copy of all that is kept of this person, and the end of it. */
export function YourData({ onErase }: { onErase: (password: string) => Promise<void> }) {
  const { api } = useChat();
  const exporting = useWork();
  const erasing = useWork();
  const [isAsking, setAsking] = useState(false);

  const save = (): Promise<boolean> =>
    exporting.run(async () => saveFile(await exportData(api), "realchat.jsonl"));
  const erase = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void erasing.run(() => onErase(text("password")));
  };

  return (
    <>
      <section className="stack" aria-labelledby="export">
        <h3 id="export">A copy of your data</h3>
        <p className="lead">
          Your account, profile, devices, bots, contacts, conversations and all that you have written, as JSON
          lines. Passwords and keys are not in it.
        </p>
        <button type="button" disabled={exporting.busy} onClick={() => void save()}>
          <Download /> {exporting.busy ? "Collecting…" : "Download my data"}
        </button>
        <Problem work={exporting} />
      </section>
      <section className="stack" aria-labelledby="erase">
        <h3 id="erase">Delete your account</h3>
        <p className="lead">
          You leave all groups, your profile is gone, and your messages stay without your name. Nobody can
          bring it back.
        </p>
        {isAsking ? (
          <form className="stack" onSubmit={erase}>
            <Field
              label="Password"
              name="password"
              type="password"
              autoComplete="current-password"
              required
              asked
              problem={erasing.of("password")}
            />
            <Problem work={erasing} fields={["password"]} />
            <FormFooter
              action="Delete it for good"
              disabled={erasing.busy}
              danger
              cancel="Keep my account"
              onCancel={() => setAsking(false)}
            />
          </form>
        ) : (
          <button type="button" className="danger-text" onClick={() => setAsking(true)}>
            <Trash2 /> Delete account
          </button>
        )}
      </section>
    </>
  );
}
