import { ArrowLeft, Trash2 } from "lucide-react";
import { useState } from "react";
import { deleteBot, type Bot } from "../../store/bots";
import { Avatar } from "../Avatar";
import { Confirm } from "../Dialog";
import { useChat } from "../hooks";
import { useWork } from "../work";
import { Keys } from "./Keys";
import { Problem } from "../Problem";
import { Webhooks } from "./Webhooks";

interface Props {
  bot: Bot;
  /** Null when it is gone. */
  onChange: (bot: Bot | null) => void;
  onBack: () => void;
}

export function BotView({ bot, onChange, onBack }: Props) {
  const { api } = useChat();
  const [isAsking, setAsking] = useState(false);
  const work = useWork();

  const remove = async (): Promise<void> => {
    if (await work.run(() => deleteBot(api, bot.bot_id))) onChange(null);
  };

  return (
    <>
      <header className="stack-head bot">
        <button
          type="button"
          className="icon"
          aria-label="To your bots"
          title="To your bots"
          onClick={onBack}
        >
          <ArrowLeft />
        </button>
        <Avatar id={bot.bot_id} name={bot.display_name} />
        <div className="person-text">
          <h3 className="cut" dir="auto">
            {bot.display_name}
          </h3>
          <small className="wrap">{bot.bot_id}</small>
        </div>
        <button
          type="button"
          className="icon danger-text"
          aria-label={`Delete ${bot.display_name}`}
          title="Delete the bot"
          onClick={() => setAsking(true)}
        >
          <Trash2 />
        </button>
      </header>
      <Problem work={work} />
      <Keys bot={bot} onChange={(keys) => onChange({ ...bot, keys })} />
      <Webhooks bot={bot} />
      {isAsking && (
        <Confirm
          title={`Delete ${bot.display_name}?`}
          text="Its keys and webhooks end at once. What it has written stays, without its name."
          action="Delete"
          onConfirm={() => void remove()}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
