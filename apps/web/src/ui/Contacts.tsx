import { Check, MessageSquare, UserMinus, UserPlus, X } from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import type { Id, Profile } from "../core/wire";
import { startDirect } from "../store/actions";
import { Avatar } from "./Avatar";
import { Dialog } from "./Dialog";
import { useChat } from "./hooks";
import { PeoplePicker } from "./PeoplePicker";
import { openConversation } from "./place";

/** Contacts, requests that wait, and who is blocked. */
export function Contacts({ onClose }: { onClose: () => void }) {
  const chat = useChat();
  const { relations } = chat;
  const [chosen, setChosen] = useState<readonly Profile[]>([]);

  useEffect(() => {
    void chat.attempt(() => relations.read());
  }, [chat, relations]);

  const incoming = relations.all(({ state, blocked }) => state === "incoming" && !blocked);
  const outgoing = relations.all(({ state, blocked }) => state === "outgoing" && !blocked);
  const contacts = relations.all(({ state, blocked }) => state === "contact" && !blocked);
  const blocked = relations.all((relation) => relation.blocked);
  const ask = async (): Promise<void> => {
    for (const person of chosen) await relations.ask(person.user_id);
    setChosen([]);
  };
  const talk = (id: Id): void => {
    void chat.attempt(async () => {
      openConversation(await startDirect(chat, id));
      onClose();
    });
  };

  return (
    <Dialog title="Contacts" onClose={onClose} wide>
      <PeoplePicker
        chosen={chosen}
        onChange={setChosen}
        exclude={[chat.me.user_id, ...contacts, ...outgoing]}
      />
      {chosen.length > 0 && (
        <button type="button" className="primary" onClick={() => void chat.attempt(ask)}>
          <UserPlus /> Ask to be {chosen.length > 1 ? "contacts" : "a contact"}
        </button>
      )}
      <Group title="They ask you" ids={incoming}>
        {(id, name) => (
          <>
            <Act name={`Accept ${name}`} icon={<Check />} act={() => relations.ask(id)} />
            <Act name={`Decline ${name}`} icon={<X />} act={() => relations.decline(id)} />
          </>
        )}
      </Group>
      <Group title="You ask them" ids={outgoing}>
        {(id, name) => (
          <Act name={`Take back your request to ${name}`} icon={<X />} act={() => relations.remove(id)} />
        )}
      </Group>
      <Group title="Your contacts" ids={contacts} empty="None yet: find somebody above.">
        {(id, name) => (
          <>
            <button
              type="button"
              className="icon"
              aria-label={`Write to ${name}`}
              title={`Write to ${name}`}
              onClick={() => talk(id)}
            >
              <MessageSquare />
            </button>
            <Act name={`Remove ${name}`} icon={<UserMinus />} act={() => relations.remove(id)} />
          </>
        )}
      </Group>
      <Group title="Blocked" ids={blocked}>
        {(id, name) => (
          <button
            type="button"
            aria-label={`Unblock ${name}`}
            onClick={() => void chat.attempt(() => relations.unblock(id))}
          >
            Unblock
          </button>
        )}
      </Group>
    </Dialog>
  );
}

interface GroupProps {
  title: string;
  ids: readonly Id[];
  /** Said when there is nobody; without it, nothing is shown then. */
  empty?: string;
  children: (id: Id, name: string) => ReactNode;
}

function Group({ title, ids, empty, children }: GroupProps) {
  const chat = useChat();
  if (!ids.length && !empty) return null;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {!ids.length && <p className="empty">{empty}</p>}
      <ul className="people">
        {ids.map((id) => {
          const name = chat.people.nameOf(id);
          return (
            <li key={id} className="person">
              <Avatar id={id} name={name} presence={chat.people.presence.get(id)?.status} />
              <span className="person-text">
                <strong className="cut" dir="auto">
                  {name}
                </strong>
                <small>@{chat.people.profiles.get(id)?.handle}</small>
              </span>
              {children(id, name)}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Act({ name, icon, act }: { name: string; icon: ReactNode; act: () => Promise<void> }) {
  const chat = useChat();
  return (
    <button
      type="button"
      className="icon"
      aria-label={name}
      title={name}
      onClick={() => void chat.attempt(act)}
    >
      {icon}
    </button>
  );
}
