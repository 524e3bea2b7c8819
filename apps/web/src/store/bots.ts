/** The bots of this person, with their keys and webhooks. All of it throws ApiError. */

import type { Id, Time } from "../core/wire";
import type { Api } from "../net/api";

export interface ApiKey {
  key_id: Id;
  name: string;
  /** How the key begins. */
  prefix: string;
  scopes: string[];
  created_at: Time;
  last_used_at: Time | null;
  expires_at: Time | null;
}

export interface Bot {
  bot_id: Id;
  display_name: string;
  created_at: Time;
  keys: ApiKey[];
}

export interface Webhook {
  webhook_id: Id;
  url: string;
  created_at: Time;
  /** Since when no call has succeeded. */
  failing_since: Time | null;
  /** When its server wanted no more. */
  disabled_at: Time | null;
}

export interface KeyWish {
  name: string;
  scopes: string[];
  /** Until it expires; 0 for never. */
  days: number;
}

const BOTS = "/v1/bots";

export async function listBots(api: Api): Promise<Bot[]> {
  return (await api.get<{ bots: Bot[] }>(BOTS)).bots;
}

export const createBot = async (api: Api, name: string): Promise<Bot> =>
  api.post(BOTS, { display_name: name });

export async function deleteBot(api: Api, botId: Id): Promise<void> {
  await api.request("DELETE", `${BOTS}/${botId}`);
}

/** The secret is never told again. */
export const createKey = async (
  api: Api,
  botId: Id,
  wish: KeyWish,
): Promise<{ key: ApiKey; secret: string }> => api.post(`${BOTS}/${botId}/keys`, wish);

export async function revokeKey(api: Api, botId: Id, keyId: Id): Promise<void> {
  await api.request("DELETE", `${BOTS}/${botId}/keys/${keyId}`);
}

export async function listWebhooks(api: Api, botId: Id): Promise<Webhook[]> {
  return (await api.get<{ webhooks: Webhook[] }>(`${BOTS}/${botId}/webhooks`)).webhooks;
}

/** The secret, which signs its calls, is never told again. */
export const createWebhook = async (
  api: Api,
  botId: Id,
  url: string,
): Promise<{ webhook: Webhook; secret: string }> => api.post(`${BOTS}/${botId}/webhooks`, { url });

export async function deleteWebhook(api: Api, botId: Id, webhookId: Id): Promise<void> {
  await api.request("DELETE", `${BOTS}/${botId}/webhooks/${webhookId}`);
}

const DAY_MS = 86_400_000;

/** What makes a key like this one, that lives as long from now. */
export function wishLike(key: ApiKey): KeyWish {
  const lives = key.expires_at ? Date.parse(key.expires_at) - Date.parse(key.created_at) : 0;
  return { name: key.name, scopes: key.scopes, days: Math.round(lives / DAY_MS) };
}
