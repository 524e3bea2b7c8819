/** What a message says in one line, whatever it consists of: for lists, quotes and announcements. */

import { plain } from "./markdown";
import type { Attachment } from "./wire";

const MOST_CHARACTERS = 200;

export function summary(body: string, attachments: readonly Attachment[]): string {
  const text = plain(body).slice(0, MOST_CHARACTERS);
  const [first] = attachments;
  if (text || !first) return text;
  if (attachments.length > 1) return `📎 ${attachments.length} files`;
  return `${isPicture(first) ? "📷" : "📎"} ${first.name}`;
}

export function isPicture(attachment: Attachment): boolean {
  return attachment.width !== null && attachment.height !== null;
}
