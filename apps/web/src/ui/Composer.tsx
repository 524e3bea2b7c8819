import { CornerUpLeft, Paperclip, Pencil, SendHorizontal, Vote, X } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { mentionedIn } from "../core/mentions";
import type { Message } from "../core/message";
import { beyond, isolated, sayable } from "../core/text";
import { editMessage } from "../store/actions";
import type { Conversation, Mode } from "../store/model";
import { useChat } from "./hooks";
import { mentionable, oneLine, useMentioning } from "./mentioning";
import { NewPoll } from "./Poll";
import { Uploading } from "./Uploading";

const MOST_CHARACTERS = 8000;

interface Props {
  conversation: Conversation;
  /** What all that is written here answers. */
  thread?: Message;
  mode: Mode;
  onDone: () => void;
  onEdit: (message: Message) => void;
}

export function Composer({ conversation, thread, mode, onDone, onEdit }: Props) {
  const chat = useChat();
  const { id } = conversation;
  const draftId = thread ? `${id}/${thread.id}` : id;
  const editId = mode.kind === "edit" ? `${id}/edit/${mode.message.id}` : null;
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(() => chat.drafts.get(draftId) ?? "");
  const [edited, setEdited] = useState("");
  const [isAsking, setAsking] = useState(false);
  const isEditing = mode.kind === "edit";
  const value = isEditing ? edited : text;

  useEffect(() => {
    if (mode.kind === "edit")
      setEdited(chat.drafts.get(`${id}/edit/${mode.message.id}`) ?? mode.message.body);
    if (mode.kind !== "write" || matchMedia("(hover: hover)").matches) field.current?.focus();
  }, [chat, id, mode]);

  useEffect(() => () => chat.typing.rest(), [chat]);

  useEffect(() => chat.onDraft(draftId, setText), [chat, draftId]);

  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight}px`;
  }, [value]);

  const write = (now: string): void => {
    if (editId !== null) {
      setEdited(now);
      chat.setDraft(editId, now);
      return;
    }
    setText(now);
    chat.setDraft(draftId, now);
    if (now.trim()) chat.typing.write(id);
    else chat.typing.rest();
  };

  const leave = (): void => {
    if (editId !== null) chat.setDraft(editId, "");
    onDone();
  };

  const mentioning = useMentioning({ conversation, field, value, onWrite: write });
  const takesFiles = !isEditing && !thread;
  const uploads = takesFiles ? chat.uploads.of(id) : [];
  const isUploading = uploads.some((each) => each.state !== "ready");
  const body = sayable(value);
  const isEmpty = !body && !uploads.length;
  const over = beyond(body, MOST_CHARACTERS);

  const addFiles = (files: FileList | null): boolean => {
    if (!takesFiles || !files?.length) return false;
    const problem = chat.uploads.add(id, [...files]);
    if (problem) chat.onProblem(problem);
    field.current?.focus();
    return true;
  };

  const submit = (): void => {
    if (isEmpty || isUploading || over > 0) return;
    const already = mode.kind === "edit" ? mode.message.mentions : [];
    const named = mentionedIn(body, mentionable(chat, conversation, already), conversation.kind === "group");
    if (mode.kind === "edit") {
      // What was written stays until it is accepted.
      void chat
        .attempt(() => editMessage(chat, id, mode.message.id, body, named))
        .then((isDone) => isDone && leave());
      return;
    }
    const answered = thread ?? (mode.kind === "reply" ? mode.message : null);
    const attachments = takesFiles ? chat.uploads.take(id) : [];
    chat.say(draftId, { ...named, conversationId: id, body, replyTo: answered?.id ?? null, attachments });
    write("");
    onDone();
    field.current?.focus();
  };

  const editLast = (): void => {
    const { live } = chat.timeline(id);
    const mine = live ? chat.timeline(id).entries(live) : [];
    const last = mine.findLast(
      (each) => each.type === "message" && each.senderId === chat.me.user_id && !each.deleted,
    );
    if (last?.type === "message") onEdit(last);
  };

  return (
    <>
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {mode.kind !== "write" && (
          <div className="composer-about">
            {isEditing ? <Pencil /> : <CornerUpLeft />}
            <span className="composer-quote">
              <strong>
                {isEditing
                  ? "Edit message"
                  : `Reply to ${mode.message.senderId === chat.me.user_id ? "yourself" : isolated(chat.people.nameOf(mode.message.senderId))}`}
              </strong>
              <span className="cut" dir="auto">
                {oneLine(chat, mode.message)}
              </span>
            </span>
            <button
              type="button"
              className="icon"
              aria-label={isEditing ? "Stop editing" : "Do not reply"}
              onClick={leave}
            >
              <X />
            </button>
          </div>
        )}
        {over > 0 && (
          <p className="problem" role="alert">
            {over} {over === 1 ? "character" : "characters"} too many.
          </p>
        )}
        {takesFiles && <Uploading conversationId={id} />}
        <div className="composer-line">
          {mentioning.list}
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            aria-label="Files to send"
            onChange={(event) => {
              addFiles(event.target.files);
              event.target.value = ""; // the same file may be chosen again
            }}
          />
          {takesFiles && (
            <button
              type="button"
              className="icon"
              aria-label="Attach files"
              title="Attach files"
              onClick={() => picker.current?.click()}
            >
              <Paperclip />
            </button>
          )}
          {takesFiles && (
            <button
              type="button"
              className="icon"
              aria-label="New poll"
              title="New poll"
              onClick={() => setAsking(true)}
            >
              <Vote />
            </button>
          )}
          <textarea
            ref={field}
            rows={1}
            dir="auto"
            aria-label={thread ? "Reply in thread" : "Message"}
            placeholder={thread ? "Reply" : "Write a message"}
            {...mentioning.attributes}
            value={value}
            onChange={(event) => write(event.target.value)}
            onPaste={(event) => {
              if (addFiles(event.clipboardData.files)) event.preventDefault();
            }}
            onKeyDown={(event) => {
              if (event.nativeEvent.isComposing || mentioning.takes(event)) return;
              if (event.key === "Enter" && !event.shiftKey) {
                event.preventDefault();
                submit();
              } else if (event.key === "Escape" && mode.kind !== "write") {
                leave();
              } else if (event.key === "ArrowUp" && !value && mode.kind === "write" && !thread) {
                event.preventDefault();
                editLast();
              }
            }}
          />
          <button
            className="icon filled send"
            aria-label={isEditing ? "Save" : "Send"}
            disabled={isEmpty || isUploading || over > 0}
          >
            <SendHorizontal />
          </button>
        </div>
      </form>
      {isAsking && <NewPoll conversationId={id} onClose={() => setAsking(false)} />}
    </>
  );
}
