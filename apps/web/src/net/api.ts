/** HTTP: the one place that knows tokens, problems and retries. */

import { backOff } from "../core/reconnect";
import type { AccessToken, Problem } from "../core/wire";
import { ApiError, OFFLINE } from "./problem";

/** An access token is renewed so long before it ends. */
const SPARE_MS = 30_000;
const DEADLINE_MS = 15_000;
/** For files. */
const TRANSFER_MS = 120_000;
/** Of a request that does no harm when it is made twice. */
const MOST_ATTEMPTS = 3;
const REPEATABLE = new Set(["GET", "PUT", "DELETE"]);
const SESSION = "/v1/auth/browser";

type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

export interface Call {
  body?: unknown;
  query?: Query;
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** For all attempts together. */
  deadlineMs?: number;
  /** The answer is a file. */
  asBytes?: boolean;
}

/**
 * The access token is in this object only; the refresh token is in a cookie that no script can read.
 *
 * Tabs share the cookie, which is good for one use: they take turns by a lock.
 */
export class Api {
  #token: string | null = null;
  #goodUntil = 0;
  #refreshing: Promise<AccessToken> | null = null;

  /** The session is over, and somebody has to log in again. */
  onEnded: () => void = () => undefined;

  /** `code`: of the second factor, where there is one. */
  async logIn(email: string, password: string, code = ""): Promise<AccessToken> {
    return this.#enter("login", { email, password, ...(code && { code }) });
  }

  async register(email: string, password: string, displayName: string): Promise<AccessToken> {
    return this.#enter("register", { email, password, display_name: displayName });
  }

  async logOut(): Promise<void> {
    await this.#send("POST", `${SESSION}/logout`, {}, false);
    this.#token = null;
  }

  /** A request of somebody who is not logged in. */
  anonymous = async (path: string, body: object): Promise<unknown> =>
    this.#send("POST", path, { body }, false);
  get = async <T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
    this.request<T>("GET", path, signal ? { query, signal } : { query });
  post = async <T>(path: string, body?: unknown, idempotencyKey?: string): Promise<T> =>
    this.request<T>("POST", path, idempotencyKey === undefined ? { body } : { body, idempotencyKey });

  /** Deletes something, also where it is gone already, which the code `gone` says. Throws ApiError. */
  async remove(path: string, gone: string): Promise<void> {
    try {
      await this.request("DELETE", path);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === gone)) throw error;
    }
  }

  /**
   * The answer's JSON. What fails for the moment is tried again within its deadline, where that does no harm.
   * Throws ApiError.
   */
  async request<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const end = performance.now() + (call.deadlineMs ?? DEADLINE_MS);
    const isRepeatable = REPEATABLE.has(method) || call.idempotencyKey !== undefined;
    for (let attempt = 1; ; attempt++) {
      try {
        return (await this.#authenticated(method, path, {
          ...call,
          deadlineMs: end - performance.now(),
        })) as T;
      } catch (error) {
        if (!(error instanceof ApiError && error.temporary && isRepeatable)) throw error;
        const wait = backOff(attempt - 1, Math.random(), error.retryAfterMs);
        if (attempt === MOST_ATTEMPTS || performance.now() + wait >= end) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
        call.signal?.throwIfAborted();
      }
    }
  }

  async #authenticated(method: string, path: string, call: Call): Promise<unknown> {
    if (!this.#token || performance.now() > this.#goodUntil) await this.refresh();
    try {
      return await this.#send(method, path, call, true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "session_revoked") this.#end();
      if (error.code !== "unauthenticated") throw error;
      await this.refresh();
      return this.#send(method, path, call, true);
    }
  }

  /** The bytes at a link of this server. Throws ApiError. */
  async bytes(path: string): Promise<Blob> {
    return this.request<Blob>("GET", path, { deadlineMs: TRANSFER_MS, asBytes: true });
  }

  /** Puts a file where a link says, and tells how far it is, from 0 to 1. Throws ApiError. */
  async upload<T>(
    path: string,
    file: File,
    signal: AbortSignal,
    onProgress: (part: number) => void,
  ): Promise<T> {
    if (!this.#token || performance.now() > this.#goodUntil) await this.refresh();
    // `fetch` tells nothing of how far a body has got.
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.timeout = TRANSFER_MS;
    request.responseType = "json";
    request.setRequestHeader("Authorization", `Bearer ${this.#token}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) =>
      onProgress(total ? loaded / total : 0),
    );
    signal.addEventListener("abort", () => request.abort());
    await new Promise((resolve) => {
      request.addEventListener("loadend", resolve);
      request.send(file);
    });
    signal.throwIfAborted();
    if (request.status >= 200 && request.status < 300) return request.response as T;
    if (!request.status) throw new ApiError(OFFLINE);
    throw new ApiError((request.response as Problem | null) ?? unknownProblem(request.status));
  }

  /** A new access token; those who ask meanwhile share it. */
  refresh(): Promise<AccessToken> {
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async #refresh(): Promise<AccessToken> {
    try {
      const ask = (): Promise<AccessToken> =>
        this.#send("POST", `${SESSION}/refresh`, {}, false) as Promise<AccessToken>;
      // Outside of secure contexts there are no locks.
      const locks = (navigator as { locks?: LockManager }).locks;
      return this.#keep(await (locks ? locks.request("realchat-refresh", ask) : ask()));
    } catch (error) {
      if (error instanceof ApiError && !error.temporary) this.#end();
      throw error;
    }
  }

  async #enter(path: string, fields: object): Promise<AccessToken> {
    const body = { ...fields, device_name: deviceName() };
    return this.#keep((await this.#send("POST", `${SESSION}/${path}`, { body }, false)) as AccessToken);
  }

  #keep(token: AccessToken): AccessToken {
    this.#token = token.access_token;
    this.#goodUntil = performance.now() + token.expires_in * 1000 - SPARE_MS;
    return token;
  }

  #end(): void {
    this.#token = null;
    this.onEnded();
  }

  async #send(method: string, path: string, call: Call, authenticated: boolean): Promise<unknown> {
    const headers = new Headers();
    if (call.body !== undefined) headers.set("Content-Type", "application/json");
    if (call.idempotencyKey !== undefined) headers.set("Idempotency-Key", `"${call.idempotencyKey}"`);
    if (authenticated && this.#token) headers.set("Authorization", `Bearer ${this.#token}`);
    const deadline = AbortSignal.timeout(Math.max(1, call.deadlineMs ?? DEADLINE_MS));
    let answer: Response;
    let value: unknown;
    try {
      answer = await fetch(path + search(call.query ?? {}), {
        method,
        headers,
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        signal: call.signal ? AbortSignal.any([call.signal, deadline]) : deadline,
      });
      if (answer.ok && call.asBytes) return await answer.blob();
      const isJson = answer.status !== 204 && /json/.test(answer.headers.get("Content-Type") ?? "");
      value = isJson ? await answer.json() : null;
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new ApiError(OFFLINE);
    }
    if (answer.ok) return value;
    throw new ApiError((value as Problem | null) ?? unknownProblem(answer.status));
  }
}

function unknownProblem(status: number): Problem {
  return { code: "internal", detail: `The server answered ${status}`, temporary: status >= 500 };
}

function search(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [value])
      parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

const BROWSERS: readonly [string, string][] = [
  ["Edg", "Edge"],
  ["OPR", "Opera"],
  ["Firefox", "Firefox"],
  ["Chrome", "Chrome"],
  ["Safari", "Safari"],
];
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"];

function deviceName(): string {
  const agent = navigator.userAgent;
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1] ?? "Browser";
  const system = SYSTEMS.find((name) => agent.includes(name));
  return system ? `${browser} on ${system}` : browser;
}
