import { SmilePlus } from "lucide-react";
import { startTransition, useCallback, useOptimistic, useState } from "react";
import { bare, EMOJIS, nameOf } from "../core/emoji";
import { shown, type Reaction } from "../core/reactions";
import type { Message } from "../core/message";
import { react, whoReacted } from "../store/actions";
import { useChat } from "./hooks";
import { Menu, type MenuItem } from "./Menu";

interface Change {
  emoji: string;
  gives: boolean;
}

function changed(reactions: Reaction[], { emoji, gives }: Change): Reaction[] {
  const held = reactions.find((each) => bare(each.emoji) === bare(emoji));
  if (!held) return gives ? [...reactions, { emoji, count: 1, mine: true }] : reactions;
  if (held.mine === gives) return reactions;
  const now = { ...held, count: held.count + (gives ? 1 : -1), mine: gives };
  return reactions.map((each) => (each === held ? now : each)).filter((each) => each.count > 0);
}

/** A message's reactions as they are, or are about to be; and what gives or takes back one. */
export function useReactions(
  conversationId: string,
  message: Message,
): { reactions: Reaction[]; toggle: (emoji: string) => void } {
  const chat = useChat();
  const [reactions, expect] = useOptimistic(shown(message.reactions), changed);
  const toggle = (emoji: string): void => {
    const gives = !reactions.some((each) => bare(each.emoji) === bare(emoji) && each.mine);
    startTransition(async () => {
      expect({ emoji, gives });
      await chat.attempt(() => react(chat, conversationId, message.id, emoji, gives));
    });
  };
  return { reactions, toggle };
}

interface Props {
  conversationId: string;
  message: Message;
  reactions: readonly Reaction[];
  onToggle: (emoji: string) => void;
}

export function Reactions({ conversationId, message, reactions, onToggle }: Props) {
  const chat = useChat();
  const [names, setNames] = useState<ReadonlyMap<string, string[]>>(new Map());
  const look = (): void => {
    // Only a hint: who cannot be named now is named the next time.
    whoReacted(chat, conversationId, message.id).then(setNames, () => undefined);
  };
  return (
    <ul className="reactions" aria-label="Reactions">
      {reactions.map(({ emoji, count, mine }) => (
        <li key={bare(emoji)}>
          <button
            type="button"
            className="reaction"
            aria-pressed={mine}
            aria-label={`${nameOf(emoji)}, ${count}`}
            title={names.get(emoji)?.join(", ")}
            onPointerEnter={look}
            onClick={() => onToggle(emoji)}
          >
            <span aria-hidden="true">{emoji}</span>
            <span className="tally">{count}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

export function ReactButton({
  tabIndex,
  onOpen,
  onChoose,
}: {
  tabIndex: 0 | -1;
  onOpen: (isOpen: boolean) => void;
  onChoose: (emoji: string) => void;
}) {
  const [anchor, setAnchor] = useState<DOMRect | null>(null);
  const close = useCallback(() => {
    setAnchor(null);
    onOpen(false);
  }, [onOpen]);
  const items = EMOJIS.map(([emoji, name]): MenuItem => ({
    label: name,
    face: emoji,
    onChoose: () => onChoose(emoji),
  }));
  return (
    <>
      <button
        type="button"
        className="icon"
        tabIndex={tabIndex}
        aria-label="React"
        title="React"
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => {
          setAnchor(event.currentTarget.getBoundingClientRect());
          onOpen(true);
        }}
      >
        <SmilePlus />
      </button>
      {anchor && <Menu label="Reaction" items={items} anchor={anchor} onClose={close} columns={8} />}
    </>
  );
}
