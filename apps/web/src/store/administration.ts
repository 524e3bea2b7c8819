/** What administrators of the instance see and do. The server asks each time whether they may. All throws ApiError. */

import type { Id, Page, Time } from "../core/wire";
import type { Api } from "../net/api";

export type AccountRole = "member" | "admin";

export interface AdministeredUser {
  user_id: Id;
  email: string;
  email_verified: boolean;
  role: AccountRole;
  created_at: Time;
  suspended_at: Time | null;
  suspension_reason: string;
}

/** A message that somebody found wrong, as it was then. */
export interface Report {
  report_id: Id;
  reporter_id: Id;
  sender_id: Id;
  body: string;
  sent_at: Time;
  reason: string;
  reported_at: Time;
  resolved_at: Time | null;
  resolved_by: Id | null;
  resolution: string;
}

export interface AuditEntry {
  entry_id: Id;
  at: Time;
  /** An administrator's id, or `command`. */
  actor: string;
  action: string;
  subject_id: Id;
  detail: string;
}

const ADMIN = "/v1/admin";

/** Newest first. */
export async function listUsers(
  api: Api,
  emailPrefix: string,
  suspended: boolean,
  cursor: string | null,
): Promise<Page<AdministeredUser>> {
  const query = { email_prefix: emailPrefix || null, suspended, cursor };
  const page = await api.get<{ users: AdministeredUser[]; next_cursor: string | null }>(
    `${ADMIN}/users`,
    query,
  );
  return { items: page.users, next: page.next_cursor };
}

/** All of their devices are logged out at once. */
export async function suspend(api: Api, userId: Id, reason: string): Promise<void> {
  await api.post(`${ADMIN}/users/${userId}/suspension`, { reason });
}

export async function unsuspend(api: Api, userId: Id): Promise<void> {
  await api.request("DELETE", `${ADMIN}/users/${userId}/suspension`);
}

export async function changeAccountRole(api: Api, userId: Id, role: AccountRole): Promise<void> {
  await api.request("PATCH", `${ADMIN}/users/${userId}`, { body: { role } });
}

/** Newest first. */
export async function listReports(api: Api, open: boolean, cursor: string | null): Promise<Page<Report>> {
  const page = await api.get<{ reports: Report[]; next_cursor: string | null }>(`${ADMIN}/reports`, {
    open,
    cursor,
  });
  return { items: page.reports, next: page.next_cursor };
}

export async function resolveReport(api: Api, reportId: Id, resolution: string): Promise<void> {
  await api.post(`${ADMIN}/reports/${reportId}/resolution`, { resolution });
}

/** Newest first. */
export async function listAudit(api: Api, cursor: string | null): Promise<Page<AuditEntry>> {
  const page = await api.get<{ entries: AuditEntry[]; next_cursor: string | null }>(`${ADMIN}/audit`, {
    cursor,
  });
  return { items: page.entries, next: page.next_cursor };
}

/** Tells the administrators of a message, with what it says now. */
export async function report(api: Api, conversationId: Id, messageId: Id, reason: string): Promise<void> {
  await api.post(`/v1/conversations/${conversationId}/messages/${messageId}/report`, { reason });
}
