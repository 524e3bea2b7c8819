import { Fragment, memo, type ReactNode } from "react";
import { parse, type Block, type Inline } from "../core/markdown";

function inline(part: Inline, index: number): ReactNode {
  switch (part.type) {
    case "text":
      return <Fragment key={index}>{part.text}</Fragment>;
    case "code":
      return <code key={index}>{part.text}</code>;
    case "link":
      return (
        <a key={index} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
          {part.text}
        </a>
      );
    case "strong":
      return <strong key={index}>{part.children.map(inline)}</strong>;
    case "emphasis":
      return <em key={index}>{part.children.map(inline)}</em>;
    case "strike":
      return <s key={index}>{part.children.map(inline)}</s>;
  }
}

function block(part: Block, index: number): ReactNode {
  switch (part.type) {
    case "paragraph":
      return (
        <p key={index} dir="auto">
          {part.children.map(inline)}
        </p>
      );
    case "quote":
      return (
        <blockquote key={index} dir="auto">
          {part.children.map(inline)}
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
export const Rich = memo(function Rich({ text }: { text: string }) {
  if (!text) return null;
  if (EMOJI_ONLY.test(text)) return <p className="emoji-only">{text}</p>;
  return <>{parse(text).map(block)}</>;
});
