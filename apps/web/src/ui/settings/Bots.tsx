import { Bot as BotIcon, ChevronRight, Plus } from "lucide-react";
import { useCallback, useState, type FormEvent } from "react";
import type { Id } from "../../core/wire";
import { createBot, listBots, type Bot } from "../../store/bots";
import { Avatar } from "../Avatar";
import { Field } from "../Field";
import { FormFooter } from "../FormFooter";
import { useChat } from "../hooks";
import { entered, useLoaded, useWork } from "../work";
import { BotView } from "./BotView";
import { Problem } from "../Problem";

/** Programs that take part in conversations for this person. */
export function Bots() {
  const { api } = useChat();
  const { value: bots, work: loading, set } = useLoaded(useCallback(() => listBots(api), [api]));
  const [openId, setOpenId] = useState<Id | null>(null);
  const [isMaking, setMaking] = useState(false);
  const work = useWork();
  const open = bots?.find((bot) => bot.bot_id === openId);

  const make = (event: FormEvent<HTMLFormElement>): void => {
    const text = entered(event);
    void work.run(async () => {
      const bot = await createBot(api, text("name").trim());
      set((all) => [...(all ?? []), bot]);
      setMaking(false);
      setOpenId(bot.bot_id);
    });
  };
  const change = (id: Id, bot: Bot | null): void =>
    set((all) => all?.flatMap((each) => (each.bot_id === id ? (bot ?? []) : each)) ?? null);

  if (open) {
    return (
      <BotView
        key={open.bot_id}
        bot={open}
        onChange={(bot) => change(open.bot_id, bot)}
        onBack={() => setOpenId(null)}
      />
    );
  }
  return (
    <section className="stack" aria-labelledby="bots">
      <h3 id="bots">Your bots</h3>
      <p className="lead">
        A bot is a program of yours that reads and writes in the conversations it is added to. It comes in by
        a key.
      </p>
      <Problem work={loading} />
      <ul className="people">
        {bots?.map((bot) => (
          <li key={bot.bot_id}>
            <button type="button" className="person" onClick={() => setOpenId(bot.bot_id)}>
              <Avatar id={bot.bot_id} name={bot.display_name} />
              <span className="person-text">
                <strong className="cut" dir="auto">
                  {bot.display_name}
                </strong>
                <small>{bot.keys.length === 1 ? "1 key" : `${bot.keys.length} keys`}</small>
              </span>
              <ChevronRight />
            </button>
          </li>
        ))}
      </ul>
      {isMaking ? (
        <form className="stack" onSubmit={make}>
          <Field
            label="The bot's name"
            name="name"
            maxLength={64}
            required
            asked
            dir="auto"
            problem={work.of("display_name")}
          />
          <Problem work={work} fields={["display_name"]} />
          <FormFooter
            action={
              <>
                <BotIcon /> Make it
              </>
            }
            disabled={work.busy}
            onCancel={() => setMaking(false)}
          />
        </form>
      ) : (
        <button type="button" onClick={() => setMaking(true)}>
          <Plus /> New bot
        </button>
      )}
    </section>
  );
}
