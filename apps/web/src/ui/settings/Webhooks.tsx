import { Plus, Trash2, Webhook as WebhookIcon } from "lucide-react";
import { useCallback, useState, type FormEvent } from "react";
import { ago } from "../../core/text";
import { createWebhook, deleteWebhook, listWebhooks, type Bot, type Webhook } from "../../store/bots";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat, useNow } from "../hooks";
import { entered, useLoaded, useWork } from "../work";
import { Problem } from "../Problem";
import { Secret } from "./Secret";

/** Where a bot is told by HTTP of what others do. */
export function Webhooks({ bot }: { bot: Bot }) {
  const { api } = useChat();
  const now = useNow();
  const load = useCallback(() => listWebhooks(api, bot.bot_id), [api, bot.bot_id]);
  const { value: webhooks, work: loading, set } = useLoaded(load);
  const [isAdding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const work = useWork();

  const add = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(async () => {
      const created = await createWebhook(api, bot.bot_id, text("url").trim());
      set((all) => [...(all ?? []), created.webhook]);
      setAdding(false);
      setSecret(created.secret);
    });
  };
  const remove = (webhook: Webhook): Promise<boolean> =>
    work.run(async () => {
      await deleteWebhook(api, bot.bot_id, webhook.webhook_id);
      set((all) => all?.filter((each) => each !== webhook) ?? null);
    });

  return (
    <section className="stack" aria-labelledby="webhooks">
      <h3 id="webhooks">Webhooks</h3>
      <Problem work={loading} />
      {webhooks?.length === 0 && !isAdding && (
        <p className="lead">Instead of listening itself, the bot can be called for each event.</p>
      )}
      <ul className="people">
        {webhooks?.map((webhook) => (
          <li key={webhook.webhook_id} className="person">
            <WebhookIcon />
            <span className="person-text">
              <strong className="wrap">{webhook.url}</strong>
              <small>{stateOf(webhook, now)}</small>
            </span>
            <button
              type="button"
              className="icon danger-text"
              aria-label={`Remove ${webhook.url}`}
              title="Remove"
              disabled={work.busy}
              onClick={() => void remove(webhook)}
            >
              <Trash2 />
            </button>
          </li>
        ))}
      </ul>
      <Problem work={work} fields={["url"]} />
      {secret ? (
        <Secret name="The webhook's secret" secret={secret} onDone={() => setSecret(null)}>
          Each call is signed with it.
        </Secret>
      ) : isAdding ? (
        <form className="stack" onSubmit={add}>
          <Field
            label="Address"
            name="url"
            type="url"
            placeholder="https://"
            maxLength={2000}
            required
            asked
            problem={work.of("url")}
          />
          <FormFooter action="Add" disabled={work.busy} onCancel={() => setAdding(false)} />
        </form>
      ) : (
        <button type="button" onClick={() => setAdding(true)}>
          <Plus /> New webhook
        </button>
      )}
    </section>
  );
}

function stateOf({ failing_since: failing, disabled_at: disabled }: Webhook, now: Date): string {
  if (disabled) return `ended by its server ${ago(disabled, now)}`;
  return failing ? `fails; began ${ago(failing, now)}` : "is called for each event";
}
