/** This person's account: what it is opened with, where it is open, and its end. */

import { isWhole } from "../core/export";
import type { Id, Time } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError } from "../net/problem";

export interface Account {
  user_id: Id;
  email: string;
  email_verified: boolean;
  created_at: Time;
  second_factor: boolean;
  recovery_codes_left: number;
  /** May administer the instance. */
  admin: boolean;
  /** Mails tell what waits unread while they are away. */
  reminders: boolean;
}

const PATH = "/v1/me/account";

export const readAccount = async (api: Api): Promise<Account> => api.get(PATH);

export async function setReminders(api: Api, reminders: boolean): Promise<Account> {
  return api.request("PATCH", PATH, { body: { reminders } });
}

// The second factor. All of it throws ApiError: wrong_password, wrong_code.

export interface Secret {
  /** Base32. */
  secret: string;
  /** For a QR code. */
  uri: string;
}

interface Codes {
  recovery_codes: string[];
}

const FACTOR = "/v1/me/second-factor";

export const beginSecondFactor = async (api: Api, password: string): Promise<Secret> =>
  api.post(FACTOR, { password });

/** Turns it on; the recovery codes are never told again. */
export async function confirmSecondFactor(api: Api, code: string): Promise<string[]> {
  return (await api.post<Codes>(`${FACTOR}/confirm`, { code })).recovery_codes;
}

export async function renewRecoveryCodes(api: Api, password: string, code: string): Promise<string[]> {
  return (await api.post<Codes>(`${FACTOR}/recovery-codes`, { password, code })).recovery_codes;
}

export async function removeSecondFactor(api: Api, password: string, code: string): Promise<void> {
  await api.post(`${FACTOR}/remove`, { password, code });
}

// Devices

export interface DeviceSession {
  session_id: Id;
  device_name: string;
  created_at: Time;
  last_seen_at: Time;
  current: boolean;
}

export async function listSessions(api: Api): Promise<DeviceSession[]> {
  return (await api.get<{ sessions: DeviceSession[] }>("/v1/sessions")).sessions;
}

export async function renameSession(api: Api, sessionId: Id, name: string): Promise<DeviceSession> {
  return api.request("PATCH", `/v1/sessions/${sessionId}`, { body: { device_name: name } });
}

export async function revokeSession(api: Api, sessionId: Id): Promise<void> {
  await api.remove(`/v1/sessions/${sessionId}`, "session_not_found");
}

export async function revokeOtherSessions(api: Api): Promise<void> {
  await api.request("DELETE", "/v1/sessions");
}

// Password and address. All of it throws ApiError: wrong_password.

/** All other devices are logged out. */
export async function changePassword(api: Api, current: string, next: string): Promise<void> {
  await api.post("/v1/me/password", { current_password: current, new_password: next });
}

/** Takes effect when whoever reads its mails confirms it. */
export async function changeEmail(api: Api, password: string, email: string): Promise<void> {
  await api.post("/v1/me/email", { password, email });
}

/** Sends another mail to confirm the address. */
export async function verifyEmail(api: Api): Promise<void> {
  await api.post("/v1/me/email/verification");
}

// Data

const TAIL_BYTES = 1_000;

/** All that is kept of this person, as JSON lines. Throws ApiError, also when it broke off on the way. */
export async function exportData(api: Api): Promise<Blob> {
  const file = await api.bytes("/v1/me/export");
  if (isWhole(await file.slice(-TAIL_BYTES).text())) return file;
  throw new ApiError({ code: "unavailable", detail: "The export broke off", temporary: true });
}
