import { EllipsisVertical, Shield, ShieldOff, UserCheck, UserX } from "lucide-react";
import { useCallback, useState } from "react";
import { fullDay } from "../../core/text";
import {
  changeAccountRole,
  listUsers,
  suspend,
  unsuspend,
  type AdministeredUser,
} from "../../store/administration";
import { Avatar } from "../Avatar";
import { useChat, useSettled } from "../hooks";
import { usePages } from "../pages";
import { Problem } from "../Problem";
import { useWork } from "../work";
import { More } from "../More";
import { Reason } from "../Reason";

const SETTLED_MS = 250;

/** Everybody who has an account. */
export function Accounts() {
  const chat = useChat();
  const [text, setText] = useState("");
  const [isSuspended, setSuspended] = useState(false);
  const [openId, setOpenId] = useState<string | null>(null);
  const prefix = useSettled(text.trim(), SETTLED_MS);
  const load = useCallback(
    async (cursor: string | null) => {
      const page = await listUsers(chat.api, prefix, isSuspended, cursor);
      void chat.people.meet(page.items.map((user) => user.user_id));
      return page;
    },
    [chat, prefix, isSuspended],
  );
  const pages = usePages(load);
  const change = (changed: AdministeredUser): void => {
    setOpenId(null);
    pages.change((all) => all.map((user) => (user.user_id === changed.user_id ? changed : user)));
  };

  return (
    <section className="stack" aria-label="People">
      <div className="row">
        <input
          type="search"
          className="grow"
          placeholder="Email begins with…"
          aria-label="Email begins with"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={isSuspended}
            onChange={(event) => setSuspended(event.target.checked)}
          />
          Only suspended
        </label>
      </div>
      <ul className="people" aria-busy={pages.work.busy}>
        {pages.items?.map((user) => (
          <li key={user.user_id}>
            <div className="person">
              <Avatar id={user.user_id} name={chat.people.nameOf(user.user_id)} />
              <span className="person-text">
                <span className="row tight">
                  <strong className="cut" dir="auto">
                    {chat.people.nameOf(user.user_id)}
                  </strong>
                  {user.role === "admin" && <span className="pill good">Administrator</span>}
                  {user.suspended_at && <span className="pill bad">Suspended</span>}
                </span>
                <small className="cut">{user.email}</small>
                <small>
                  Since {fullDay(user.created_at)}
                  {user.suspended_at &&
                    ` · suspended on ${fullDay(user.suspended_at)}: ${user.suspension_reason}`}
                </small>
              </span>
              {user.user_id !== chat.me.user_id && (
                <button
                  type="button"
                  className="icon"
                  aria-label={`Manage ${user.email}`}
                  aria-expanded={openId === user.user_id}
                  onClick={() => setOpenId(openId === user.user_id ? null : user.user_id)}
                >
                  <EllipsisVertical />
                </button>
              )}
            </div>
            {openId === user.user_id && <Manage user={user} onChange={change} />}
          </li>
        ))}
      </ul>
      <More pages={pages} empty="Nobody has such an account." />
    </section>
  );
}

function Manage({ user, onChange }: { user: AdministeredUser; onChange: (user: AdministeredUser) => void }) {
  const { api } = useChat();
  const [isAsking, setAsking] = useState(false);
  const work = useWork();
  const isAdmin = user.role === "admin";

  const letIn = async (): Promise<void> => {
    if (await work.run(() => unsuspend(api, user.user_id)))
      onChange({ ...user, suspended_at: null, suspension_reason: "" });
  };
  const changeRole = async (): Promise<void> => {
    const role = isAdmin ? "member" : "admin";
    if (await work.run(() => changeAccountRole(api, user.user_id, role))) onChange({ ...user, role });
  };

  if (isAsking) {
    return (
      <div className="manage">
        <Reason
          label="Why, for other administrators"
          action="Suspend"
          danger
          onCancel={() => setAsking(false)}
          onGive={async (reason) => {
            await suspend(api, user.user_id, reason);
            onChange({ ...user, suspended_at: new Date().toISOString(), suspension_reason: reason });
          }}
        />
      </div>
    );
  }
  return (
    <div className="row manage">
      {user.suspended_at ? (
        <button type="button" disabled={work.busy} onClick={() => void letIn()}>
          <UserCheck /> Let in again
        </button>
      ) : (
        <button type="button" className="danger-text" onClick={() => setAsking(true)}>
          <UserX /> Suspend
        </button>
      )}
      <button type="button" disabled={work.busy} onClick={() => void changeRole()}>
        {isAdmin ? <ShieldOff /> : <Shield />}
        {isAdmin ? "Take the role of administrator" : "Make administrator"}
      </button>
      <Problem work={work} />
    </div>
  );
}
