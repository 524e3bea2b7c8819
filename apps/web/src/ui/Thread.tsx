import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Message } from "../core/message";
import { rowsOf } from "../core/rows";
import { countOf } from "../core/thread";
import { mayDelete, mayPin, WRITE, type Conversation } from "../store/model";
import { Composer } from "./Composer";
import { useChat, useMode } from "./hooks";
import { MessageRow, OutgoingRow, type MessageCommands } from "./MessageRow";
import { Panel } from "./Panel";
import { openConversation } from "./place";

interface Props {
  conversation: Conversation;
  rootId: string;
  onThread: (message: Message) => void;
  onClose: () => void;
}

/** A message and all that answers it, beside the conversation. */
export function Thread({ conversation, rootId, onThread, onClose }: Props) {
  const chat = useChat();
  const { id } = conversation;
  const me = chat.me.user_id;
  const timeline = chat.timeline(id);
  const { version, generation } = timeline;
  const body = useRef<HTMLDivElement>(null);
  const [mode, setMode] = useMode(`${id}/${rootId}`);
  const [isBusy, setBusy] = useState(true);
  const write = useCallback(() => setMode(WRITE), [setMode]);
  const edit = useCallback((message: Message) => setMode({ kind: "edit", message }), [setMode]);
  const isUp = chat.connection === "up";
  const root = timeline.message(rootId);

  useEffect(() => {
    if (isUp) void chat.attempt(() => chat.pages.thread(id, rootId)).then(() => setBusy(false));
  }, [chat, id, rootId, isUp, generation]);

  const commands = useMemo<MessageCommands>(
    () => ({
      edit,
      show: (place) => openConversation(place.conversationId, place.seq),
      thread: (message) =>
        message.id === rootId
          ? body.current?.parentElement?.querySelector("textarea")?.focus()
          : onThread(message),
    }),
    [edit, onThread, rootId],
  );

  const outgoing = chat.sender.of(id).filter((each) => each.replyTo === rootId);
  const outgoingKey = outgoing.map((each) => each.clientId + each.state).join();
  const rows = useMemo(
    () => [
      ...rowsOf(root ? [root] : [], [], me, null),
      ...rowsOf(timeline.repliesTo(rootId), outgoing, me, null),
    ],
    // oxlint-disable-next-line react/exhaustive-deps -- `version` and `outgoingKey` stand for what is in them
    [timeline, version, root, rootId, outgoingKey, me],
  );

  useLayoutEffect(() => {
    body.current?.scrollTo({ top: body.current.scrollHeight });
  }, [rows.length]);

  const replies = root ? countOf(root.replies) : 0;
  return (
    <Panel
      title="Thread"
      label="Thread"
      closing="Close thread"
      className="thread"
      keepsOpen={mode.kind !== "write"}
      onClose={onClose}
    >
      <div
        ref={body}
        className="thread-body"
        role="region"
        aria-label="Replies"
        tabIndex={0}
        aria-busy={isBusy}
      >
        <ol>
          {rows.map((row, index) => (
            <li key={row.key} className={row.first ? "entry opens" : "entry"}>
              {row.type === "outgoing" && <OutgoingRow row={row} />}
              {row.type === "message" && (
                <MessageRow
                  row={row}
                  conversationId={id}
                  isMine={row.entry.senderId === me}
                  isGroup={conversation.kind === "group"}
                  mayDelete={mayDelete(conversation, row.entry, me)}
                  mayPin={mayPin(conversation)}
                  sender={chat.people.nameOf(row.entry.senderId)}
                  delivery={null}
                  quoted={null}
                  quotedName=""
                  isActive
                  isFound={false}
                  inThread
                  commands={commands}
                />
              )}
              {index === 0 && root && (
                <p className="new thread-count" role="status">
                  <span>
                    {replies === 0 ? "No replies yet" : replies === 1 ? "1 reply" : `${replies} replies`}
                  </span>
                </p>
              )}
            </li>
          ))}
        </ol>
        {!root && !isBusy && <p className="empty">This message is not there any more.</p>}
      </div>
      {root && !root.deleted && !conversation.left && (
        <Composer
          key={rootId}
          conversation={conversation}
          thread={root}
          mode={mode}
          onDone={write}
          onEdit={edit}
        />
      )}
    </Panel>
  );
}
