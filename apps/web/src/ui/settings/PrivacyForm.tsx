import { useCallback, useState, type FormEvent } from "react";
import { changePrivacy, readPrivacy, type Audience, type Privacy } from "../../store/privacy";
import { useChat } from "../hooks";
import { Problem } from "../Problem";
import { Segments } from "../Segments";
import { entered, useLoaded, useWork } from "../work";

const AUDIENCES: readonly [Audience, string][] = [
  ["everyone", "Everyone"],
  ["contacts", "Contacts"],
  ["nobody", "Nobody"],
];
const SETTINGS: readonly [keyof Privacy, string][] = [
  ["last_seen", "Who sees when you were last here"],
  ["read_receipts", "Who sees what you have read"],
  ["direct_messages", "Who may start a conversation with you"],
  ["group_invitations", "Who may add you to groups"],
];

/** Whom this person lets do and see what. */
export function PrivacyForm() {
  const { api } = useChat();
  const { value: privacy, work: loading, set } = useLoaded(useCallback(() => readPrivacy(api), [api]));
  const [isSaved, setSaved] = useState(false);
  const work = useWork();

  const save = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    const text = entered(event);
    if (!privacy) return;
    const wanted = Object.fromEntries(SETTINGS.map(([name]) => [name, text(name) as Audience]));
    setSaved(await work.run(async () => set(await changePrivacy(api, privacy, wanted))));
  };

  return (
    <form
      className="stack"
      aria-labelledby="privacy"
      onSubmit={(event) => void save(event)}
      onChange={() => setSaved(false)}
    >
      <h3 id="privacy">Privacy</h3>
      <p className="lead">
        People whom you have blocked are never among them. Conversations that have begun go on.
      </p>
      <Problem work={loading} />
      {privacy &&
        SETTINGS.map(([name, legend]) => (
          <Segments key={name} legend={legend} name={name} options={AUDIENCES} initial={privacy[name]} />
        ))}
      <Problem work={work} />
      <footer>
        <span role="status">{isSaved && "It is saved."}</span>
        <button className="primary" disabled={!privacy || work.busy}>
          Save
        </button>
      </footer>
    </form>
  );
}
