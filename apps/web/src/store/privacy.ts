/** What this person lets others do and see. */

import { differing } from "../core/changes";
import type { Api } from "../net/api";

export type Audience = "everyone" | "contacts" | "nobody";

export interface Privacy {
  /** Who sees when they were here last. */
  last_seen: Audience;
  /** Who sees what they have got and read. */
  read_receipts: Audience;
  /** Who may start a direct conversation with them. */
  direct_messages: Audience;
  /** Who may add them to groups. */
  group_invitations: Audience;
}

const PATH = "/v1/me/privacy";

export const readPrivacy = async (api: Api): Promise<Privacy> => api.get(PATH);

/** Settles what differs from before; the rest stays as it is by now, perhaps as another device has it. */
export async function changePrivacy(api: Api, before: Privacy, wanted: Partial<Privacy>): Promise<Privacy> {
  const body = differing(before, wanted);
  return Object.keys(body).length ? api.request("PATCH", PATH, { body }) : before;
}
