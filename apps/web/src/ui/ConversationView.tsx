import { ChevronLeft, Info, MessagesSquare, Search } from "lucide-react";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { Message } from "../core/message";
import { peerOf, WRITE } from "../store/model";
import { Avatar } from "./Avatar";
import { Composer } from "./Composer";
import { Details } from "./Details";
import { History } from "./History";
import { SearchPanel } from "./Hits";
import { useChat, useMode, useNow } from "./hooks";
import { PinsPanel, PinStrip, usePins } from "./Pins";
import { openConversation, type Place } from "./place";
import { Thread } from "./Thread";
import { subtitleOf, titleOf, typingText } from "./titles";

/** `seq`: the place to show, instead of where this person left off. */
export function ConversationView({ id, seq, visit }: Place) {
  const chat = useChat();
  const now = useNow();
  const [mode, setMode] = useMode(id ?? "");
  const [aside, setAside] = useState<"details" | "search" | "pins" | { thread: string } | null>(null);
  const [isOver, setOver] = useState(false);
  const closeAside = useCallback(() => setAside(null), []);
  const conversation = id === null ? undefined : chat.conversations.get(id);
  const write = useCallback(() => setMode(WRITE), [setMode]);
  const reply = useCallback((message: Message) => setMode({ kind: "reply", message }), [setMode]);
  const thread = useCallback((message: Message) => setAside({ thread: message.id }), []);
  const edit = useCallback((message: Message) => setMode({ kind: "edit", message }), [setMode]);

  const toggle = (panel: "details" | "search" | "pins"): void => setAside(aside === panel ? null : panel);
  const pins = usePins(conversation);

  const openId = conversation?.id;
  useEffect(() => (openId === undefined ? undefined : chat.pages.show(openId)), [chat, openId]);

  useEffect(() => {
    document.title = conversation ? `${titleOf(chat, conversation)} · RealChat` : "RealChat";
  }, [chat, conversation]);

  if (!conversation) {
    return (
      <section className="conversation nothing" aria-label="Messages">
        <div className="empty">
          <MessagesSquare />
          <p>
            {id !== null && chat.isFresh
              ? "This conversation is not there, or not yours."
              : "Choose a conversation, or begin one."}
          </p>
        </div>
      </section>
    );
  }

  const title = titleOf(chat, conversation);
  const typing = typingText(chat, conversation);
  const isDirect = conversation.kind === "direct";
  const peer = isDirect ? peerOf(conversation, chat.me.user_id) : conversation.id;
  return (
    <>
      <section
        className={isOver ? "conversation over" : "conversation"}
        aria-label={title}
        onDragOver={(event) => {
          if (conversation.left || !event.dataTransfer.types.includes("Files")) return;
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
        }}
        onDrop={(event) => {
          setOver(false);
          if (conversation.left || !event.dataTransfer.files.length) return;
          event.preventDefault();
          const problem = chat.uploads.add(conversation.id, [...event.dataTransfer.files]);
          if (problem) chat.onProblem(problem);
        }}
      >
        <header className="conversation-header">
          <button
            type="button"
            className="icon back"
            aria-label="Back"
            onClick={() => openConversation(null)}
          >
            <ChevronLeft />
          </button>
          <Avatar
            id={peer}
            name={title}
            group={!isDirect}
            presence={isDirect ? chat.people.presence.get(peer)?.status : undefined}
          />
          <div className="heading">
            <h2 className="cut" dir="auto">
              {title}
            </h2>
            <p className="cut">
              <span className="typing" role="status">
                {typing}
              </span>
              {!typing && subtitleOf(chat, conversation, now)}
            </p>
          </div>
          <AsideButton
            label="Search in this conversation"
            icon={<Search />}
            isOpen={aside === "search"}
            onToggle={() => toggle("search")}
          />
          <AsideButton
            label="Details"
            icon={<Info />}
            isOpen={aside === "details"}
            onToggle={() => toggle("details")}
          />
        </header>
        <PinStrip
          conversationId={conversation.id}
          pins={pins}
          isOpen={aside === "pins"}
          onList={() => toggle("pins")}
        />
        <History
          key={seq === null ? "" : `${seq}/${visit}`}
          conversation={conversation}
          seq={seq}
          onReply={reply}
          onEdit={edit}
          onThread={thread}
        />
        {isDirect && chat.relations.of(peer).blocked ? (
          <p className="composer-closed">
            You have blocked <bdi>{title}</bdi>.{" "}
            <button type="button" onClick={() => void chat.attempt(() => chat.relations.unblock(peer))}>
              Unblock
            </button>
          </p>
        ) : conversation.left ? (
          <p className="composer-closed">You are not in this conversation any more.</p>
        ) : (
          <Composer
            key={conversation.id}
            conversation={conversation}
            mode={mode}
            onDone={write}
            onEdit={edit}
          />
        )}
      </section>
      {aside === "details" && <Details conversation={conversation} onClose={closeAside} />}
      {aside === "pins" && <PinsPanel conversation={conversation} pins={pins} onClose={closeAside} />}
      {aside !== null && typeof aside === "object" && (
        <Thread
          key={aside.thread}
          conversation={conversation}
          rootId={aside.thread}
          onThread={thread}
          onClose={closeAside}
        />
      )}
      {aside === "search" && <SearchPanel conversation={conversation} onClose={closeAside} />}
    </>
  );
}

interface AsideButtonProps {
  label: string;
  icon: ReactNode;
  isOpen: boolean;
  onToggle: () => void;
}

function AsideButton({ label, icon, isOpen, onToggle }: AsideButtonProps) {
  return (
    <button
      type="button"
      className="icon"
      aria-label={label}
      title={label}
      aria-expanded={isOpen}
      onClick={onToggle}
    >
      {icon}
    </button>
  );
}
