/** Who everybody is, and who is there. */

import type { Presence, Profile, Id } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError } from "../net/problem";

const MOST_PRESENCES = 200;
const MOST_PROFILES = 100;

export class People {
  readonly profiles = new Map<Id, Profile>();
  readonly presence = new Map<Id, Presence>();
  readonly #api: Api;
  readonly #changed: (profile: Profile | null) => void;
  readonly #asked = new Set<Id>();

  /** `changed` is told of every profile that is new, and null when only presence changed. */
  constructor(api: Api, changed: (profile: Profile | null) => void) {
    this.#api = api;
    this.#changed = changed;
  }

  nameOf(id: Id): string {
    return this.profiles.get(id)?.display_name ?? "Somebody";
  }

  add(profiles: readonly Profile[]): void {
    for (const profile of profiles) {
      this.profiles.set(profile.user_id, profile);
      this.#changed(profile);
    }
  }

  seen(presences: readonly Presence[]): void {
    for (const each of presences) {
      if (each.status === "hidden") this.presence.delete(each.user_id);
      else this.presence.set(each.user_id, each);
    }
    this.#changed(null);
  }

  /** Asks who they are whom nobody knows yet. */
  async meet(ids: Iterable<Id>): Promise<void> {
    const strangers = [...new Set(ids)].filter((id) => !this.profiles.has(id) && !this.#asked.has(id));
    for (const id of strangers) this.#asked.add(id);
    void this.look(strangers);
    for (let start = 0; start < strangers.length; start += MOST_PROFILES) {
      const ids = strangers.slice(start, start + MOST_PROFILES);
      try {
        this.add((await this.#api.get<{ users: Profile[] }>("/v1/profiles", { user_ids: ids })).users);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.temporary) for (const id of ids) this.#asked.delete(id);
      }
    }
  }

  async find(prefix: string, signal: AbortSignal): Promise<Profile[]> {
    const { users } = await this.#api.get<{ users: Profile[] }>("/v1/users", { prefix, limit: 20 }, signal);
    this.add(users);
    return users;
  }

  /** Asks who of them is there. */
  async look(whom: Iterable<Id>): Promise<void> {
    const ids = [...new Set(whom)].slice(0, MOST_PRESENCES);
    if (document.hidden || !ids.length) return;
    try {
      this.seen(
        (await this.#api.get<{ presences: Presence[] }>("/v1/presence", { user_ids: ids })).presences,
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // else: the next time
    }
  }
}
