/** Those whose presence this client is told of as it changes. */

import type { Id, Presence } from "../core/wire";
import { ApiError } from "../net/problem";

/** As many as a socket watches. */
const MOST = 200;

interface Watcher {
  readonly isUp: boolean;
  watch(ids: readonly Id[]): Promise<Presence[]>;
}

export class Company {
  readonly #socket: Watcher;
  readonly #around: () => Iterable<Id>;
  readonly #seen: (presences: readonly Presence[]) => void;
  #watched = "";
  #isAsking = false;
  #isStale = false;

  /** `around`: whom to watch, the most important first. */
  constructor(socket: Watcher, around: () => Iterable<Id>, seen: (presences: readonly Presence[]) => void) {
    this.#socket = socket;
    this.#around = around;
    this.#seen = seen;
  }

  /** The connection is new: the server watches nobody for it. */
  begin(): void {
    this.#watched = "";
    void this.look();
  }

  /** Who is around may have changed. The server takes one such question at a time. */
  async look(): Promise<void> {
    if (this.#isAsking) {
      this.#isStale = true;
      return;
    }
    const ids = [...new Set(this.#around())].slice(0, MOST);
    const watched = ids.toSorted().join();
    if (!this.#socket.isUp || watched === this.#watched) return;
    this.#isAsking = true;
    try {
      this.#seen(await this.#socket.watch(ids));
      this.#watched = watched;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // else: with the next change or connection
    }
    this.#isAsking = false;
    if (!this.#isStale) return;
    this.#isStale = false;
    await this.look();
  }
}
