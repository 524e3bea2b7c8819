/** Who is logged in here, if anybody. */

import type { AccessToken, Id, Profile } from "../core/wire";
import { Api } from "../net/api";
import { ApiError } from "../net/problem";
import { Cache, lastUser, rememberUser, type Snapshot } from "./cache";
import { Chat } from "./chat";

export type SessionState =
  { kind: "starting" } | { kind: "out"; notice: string | null } | { kind: "in"; chat: Chat };

const ENDED = "Your session has ended. Log in again: what you have written is kept.";
const ERASED = "Your account is deleted.";

export class Session {
  state: SessionState = { kind: "starting" };
  readonly #api = new Api();
  readonly #listeners = new Set<() => void>();
  /** The other tabs of this browser. */
  readonly #tabs = new BroadcastChannel("realchat-session");
  #cache: Cache | null = null;

  constructor() {
    this.#api.onEnded = () => {
      // Whoever has left knows why; what was under way then fails.
      if (this.state.kind !== "out") this.#leave(ENDED);
    };
    this.#tabs.addEventListener("message", () => this.#leave(null));
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Shows the last state of who was here last, if anybody was. */
  async begin(): Promise<void> {
    const userId = lastUser();
    if (!userId) {
      this.#set({ kind: "out", notice: null });
      return;
    }
    const snapshot = await this.#open(userId);
    if (snapshot?.me) this.#enter(snapshot.me, snapshot);
    else await this.#return();
  }

  logIn = async (email: string, password: string, code: string): Promise<void> =>
    this.#arrive(await this.#api.logIn(email, password, code));

  register = async (email: string, password: string, name: string): Promise<void> =>
    this.#arrive(await this.#api.register(email, password, name));

  /** Sends a mail to choose another password, if the address has an account. Throws ApiError. */
  forgot = async (email: string): Promise<void> => {
    await this.#api.anonymous("/v1/auth/password-resets", { email });
  };

  /** Ends the session and removes from this browser what it had kept. Throws ApiError. */
  logOut = async (): Promise<void> => {
    await this.#api.logOut();
    await this.#forget(null);
  };

  /** Deletes the account, and what this browser had kept of it. Throws ApiError: wrong_password. */
  erase = async (password: string): Promise<void> => {
    await this.#api.post("/v1/me/deletion", { password });
    await this.#forget(ERASED);
  };

  async #forget(notice: string | null): Promise<void> {
    this.#tabs.postMessage("out");
    this.#leave(notice);
    await this.#cache?.destroy();
    this.#cache = null;
  }

  /** There is a session perhaps, but nothing to show of it. */
  async #return(): Promise<void> {
    try {
      await this.#arrive(await this.#api.refresh());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.temporary) this.#set({ kind: "out", notice: error.message });
    }
  }

  async #arrive(token: AccessToken): Promise<void> {
    const me = await this.#api.get<Profile>("/v1/me");
    rememberUser(token.user_id);
    const snapshot = await this.#open(token.user_id);
    this.#cache?.put("about", "me", () => me);
    this.#enter(me, snapshot);
  }

  /** What this browser has kept; null where it keeps nothing (private windows, full disks). */
  async #open(userId: Id): Promise<Snapshot | null> {
    try {
      this.#cache = await Cache.open(userId);
      return await this.#cache.read();
    } catch {
      this.#cache = null;
      return null;
    }
  }

  #enter(me: Profile, snapshot: Snapshot | null): void {
    const chat = new Chat(this.#api, me, this.#cache);
    if (snapshot) chat.restore(snapshot);
    this.#set({ kind: "in", chat });
    chat.start();
  }

  #leave(notice: string | null): void {
    if (this.state.kind === "in") this.state.chat.stop();
    this.#set({ kind: "out", notice });
  }

  #set(state: SessionState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }
}
