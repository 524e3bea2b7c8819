import {
  BellDot,
  Crown,
  EllipsisVertical,
  LogOut,
  Shield,
  ShieldOff,
  UserMinus,
  UserPlus,
} from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import type { Member, Profile } from "../core/wire";
import {
  addMembers,
  changeRole,
  leave,
  listMembers,
  markUnread,
  removeMember,
  rename,
} from "../store/actions";
import { peerOf, type Conversation } from "../store/model";
import { Avatar } from "./Avatar";
import { Confirm, Dialog } from "./Dialog";
import { Field } from "./Field";
import { useChat, useNow } from "./hooks";
import { Menu, type MenuItem } from "./Menu";
import { Panel } from "./Panel";
import { PeoplePicker } from "./PeoplePicker";
import { openConversation } from "./place";
import { RelationActions } from "./Relation";
import { subtitleOf, titleOf } from "./titles";

type Asking = { kind: "leave" } | { kind: "remove"; member: Member } | { kind: "add" } | null;

const RANK = { owner: 2, admin: 1, member: 0 };

export function Details({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const chat = useChat();
  const now = useNow();
  const { id, kind, role, left } = conversation;
  const [asking, setAsking] = useState<Asking>(null);
  const [menu, setMenu] = useState<{ member: Member; anchor: DOMRect } | null>(null);
  const closeMenu = useCallback(() => setMenu(null), []);
  const isGroup = kind === "group";
  const mayManage = isGroup && !left && role !== "member";
  const title = titleOf(chat, conversation);
  const peerId = peerOf(conversation, chat.me.user_id);
  const peer = chat.people.profiles.get(peerId);

  useEffect(() => {
    if (isGroup && conversation.members.length < conversation.memberCount) {
      void chat.attempt(() => listMembers(chat, id));
    }
  }, [chat, id, isGroup, conversation.members.length, conversation.memberCount]);

  const itemsFor = (member: Member): (MenuItem | null)[] => [
    role === "owner" && member.role !== "owner"
      ? {
          label: "Make owner",
          icon: <Crown />,
          onChoose: () => void chat.attempt(() => changeRole(chat, id, member.user_id, "owner")),
        }
      : null,
    role === "owner" && member.role !== "admin"
      ? {
          label: "Make admin",
          icon: <Shield />,
          onChoose: () => void chat.attempt(() => changeRole(chat, id, member.user_id, "admin")),
        }
      : null,
    role === "owner" && member.role !== "member"
      ? {
          label: "Make member",
          icon: <ShieldOff />,
          onChoose: () => void chat.attempt(() => changeRole(chat, id, member.user_id, "member")),
        }
      : null,
    {
      label: "Remove from group",
      icon: <UserMinus />,
      danger: true,
      onChoose: () => setAsking({ kind: "remove", member }),
    },
  ];

  const members = conversation.members.toSorted((a, b) => RANK[b.role] - RANK[a.role]);
  return (
    <Panel title={isGroup ? "Group" : "Person"} label="Details" closing="Close details" onClose={onClose}>
      <div className="details-body">
        <div className="card-head">
          <Avatar id={isGroup ? id : peerId} name={title} size="large" group={isGroup} />
          <strong dir="auto">{title}</strong>
          <small>{isGroup ? subtitleOf(chat, conversation, now) : `@${peer?.handle ?? ""}`}</small>
          {!isGroup && peer?.bio && <p dir="auto">{peer.bio}</p>}
        </div>
        {mayManage && <Rename conversation={conversation} />}
        <div className="details-actions">
          {mayManage && (
            <button type="button" onClick={() => setAsking({ kind: "add" })}>
              <UserPlus /> Add people
            </button>
          )}
          {!left && (
            <button
              type="button"
              onClick={() => {
                openConversation(null);
                void chat.attempt(() => markUnread(chat, id));
              }}
            >
              <BellDot /> Mark as unread
            </button>
          )}
          {!isGroup && <RelationActions id={peerId} name={title} />}
          {isGroup && !left && (
            <button type="button" className="danger-text" onClick={() => setAsking({ kind: "leave" })}>
              <LogOut /> Leave group
            </button>
          )}
        </div>
        {isGroup && (
          <ul className="people" aria-label="Members">
            {members.map((member) => {
              const name = chat.people.nameOf(member.user_id);
              const isMe = member.user_id === chat.me.user_id;
              return (
                <li key={member.user_id} className="person">
                  <Avatar
                    id={member.user_id}
                    name={name}
                    presence={chat.people.presence.get(member.user_id)?.status}
                  />
                  <span className="person-text">
                    <strong className="cut" dir="auto">
                      {name}
                      {isMe && " (you)"}
                    </strong>
                    {member.role !== "member" && <small>{member.role}</small>}
                  </span>
                  {mayManage && !isMe && RANK[role] > (role === "owner" ? -1 : RANK[member.role]) && (
                    <button
                      type="button"
                      className="icon"
                      aria-label={`Manage ${name}`}
                      aria-haspopup="menu"
                      onClick={(event) =>
                        setMenu({ member, anchor: event.currentTarget.getBoundingClientRect() })
                      }
                    >
                      <EllipsisVertical />
                    </button>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </div>
      {menu && <Menu label="Member" items={itemsFor(menu.member)} anchor={menu.anchor} onClose={closeMenu} />}
      {asking?.kind === "leave" && (
        <Confirm
          title="Leave the group?"
          text="You will get no more messages from it. Somebody has to add you again."
          action="Leave"
          onConfirm={() =>
            void chat.attempt(() => leave(chat, id)).then((done) => done && openConversation(null))
          }
          onClose={() => setAsking(null)}
        />
      )}
      {asking?.kind === "remove" && (
        <Confirm
          title={`Remove ${chat.people.nameOf(asking.member.user_id)}?`}
          text="They will get no more messages from this group."
          action="Remove"
          onConfirm={() => void chat.attempt(() => removeMember(chat, id, asking.member.user_id))}
          onClose={() => setAsking(null)}
        />
      )}
      {asking?.kind === "add" && <AddPeople conversation={conversation} onClose={() => setAsking(null)} />}
    </Panel>
  );
}

function Rename({ conversation }: { conversation: Conversation }) {
  const chat = useChat();
  const [title, setTitle] = useState(conversation.title);
  useEffect(() => setTitle(conversation.title), [conversation.title]);
  const isChanged = title.trim() !== "" && title.trim() !== conversation.title;
  return (
    <form
      className="rename"
      onSubmit={(event) => {
        event.preventDefault();
        if (isChanged) void chat.attempt(() => rename(chat, conversation.id, title.trim()));
      }}
    >
      <Field
        label="Title"
        value={title}
        maxLength={128}
        dir="auto"
        onChange={(event) => setTitle(event.target.value)}
      />
      {isChanged && <button className="primary">Rename</button>}
    </form>
  );
}

function AddPeople({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const chat = useChat();
  const [chosen, setChosen] = useState<readonly Profile[]>([]);
  const ids = chosen.map((person) => person.user_id);
  return (
    <Dialog title="Add people" onClose={onClose}>
      <PeoplePicker
        chosen={chosen}
        onChange={setChosen}
        exclude={conversation.members.map((member) => member.user_id)}
      />
      <footer>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="primary"
          disabled={!ids.length}
          onClick={() =>
            void chat.attempt(() => addMembers(chat, conversation.id, ids)).then((done) => done && onClose())
          }
        >
          Add
        </button>
      </footer>
    </Dialog>
  );
}
