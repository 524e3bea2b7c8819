import { Fragment, memo, type ReactNode } from "react";
import { parse, type Block, type Inline } from "../core/markdown";
import { pieces } from "../core/mentions";
import { NOBODY_KNOWN, type Mentioned } from "./mentioning";

type Known = ReadonlyMap<string, Mentioned>;

/** A text where those who are mentioned stand out, oneself the most. */
function mentions(text: string, known: Known): ReactNode {
  if (!known.size) return text;
  return pieces(text, (handle) => known.has(handle)).map(({ start, text, handle }) => {
    const one = handle === null ? undefined : known.get(handle);
    if (!one) return <Fragment key={start}>{text}</Fragment>;
    return (
      <span key={start} className={one.isMe ? "mention me" : "mention"} title={text}>
        @{one.name}
      </span>
    );
  });
}

function inline(part: Inline, index: number, known: Known): ReactNode {
  const within = (each: Inline, at: number): ReactNode => inline(each, at, known);
  switch (part.type) {
    case "text":
      return <Fragment key={index}>{mentions(part.text, known)}</Fragment>;
    case "code":
      return <code key={index}>{part.text}</code>;
    case "link":
      return (
        <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
          {part.text}
        </a>
      );
    case "strong":
      return <strong key={index}>{part.children.map(within)}</strong>;
    case "emphasis":
      return <em key={index}>{part.children.map(within)}</em>;
    case "strike":
      return <s key={index}>{part.children.map(within)}</s>;
  }
}

function block(part: Block, index: number, known: Known): ReactNode {
  const within = (each: Inline, at: number): ReactNode => inline(each, at, known);
  switch (part.type) {
    case "paragraph":
      return (
        <p key={index} dir="auto">
          {part.children.map(within)}
        </p>
      );
    case "quote":
      return (
        <blockquote key={index} dir="auto">
          {part.children.map(within)}
        </blockquote>
      );
    case "code":
      return (
        <pre key={index} tabIndex={0} aria-label="Code">
          <code>{part.text}</code>
        </pre>
      );
  }
}

const EMOJI_ONLY =
  /^(?:\p{Extended_Pictographic}(?:\u{FE0F}|\u{200D}|\p{Emoji_Modifier}|\p{Extended_Pictographic})*\s*){1,3}$/u;

/** What somebody wrote, as elements: its text never becomes HTML. */
export const Rich = memo(function Rich({ text, known = NOBODY_KNOWN }: { text: string; known?: Known }) {
  if (!text) return null;
  if (EMOJI_ONLY.test(text)) return <p className="emoji-only">{text}</p>;
  return <>{parse(text).map((part, index) => block(part, index, known))}</>;
});
