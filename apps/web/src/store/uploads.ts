/** Files on their way to the server, before the message that takes them is sent. */

import type { Attachment, Id } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError, explain } from "../net/problem";
import { backOff } from "../core/reconnect";

export const MOST_FILES = 10;
export const MOST_BYTES = 10 * 1024 * 1024;
const AT_ONCE = 2;
const MOST_ATTEMPTS = 4;
/** What its bytes tell is better told by the server: a file's name may lie. */
const TOLD_BY_BYTES = /^(image|video|audio|font)\/|^application\/(pdf|zip|gzip)$|^$/;

export interface Upload {
  readonly key: string;
  readonly file: File;
  /** An object URL, of a picture. */
  readonly preview: string | null;
  /** 0 to 1. */
  readonly progress: number;
  readonly state: "waiting" | "busy" | "ready" | "failed";
  readonly problem: string | null;
  readonly attachment: Attachment | null;
}

export class Uploads {
  readonly #api: Api;
  readonly #changed: () => void;
  readonly #of = new Map<Id, readonly Upload[]>();
  readonly #aborts = new Map<string, AbortController>();

  constructor(api: Api, changed: () => void) {
    this.#api = api;
    this.#changed = changed;
  }

  of(conversationId: Id): readonly Upload[] {
    return this.#of.get(conversationId) ?? NOTHING;
  }

  /** Begins to upload; returns what is wrong, if anything is. */
  add(conversationId: Id, files: readonly File[]): string | null {
    const room = MOST_FILES - this.of(conversationId).length;
    let problem = files.length > room ? `A message takes ${MOST_FILES} files at most.` : null;
    const added: Upload[] = [];
    for (const file of files.slice(0, room)) {
      if (file.size > MOST_BYTES) problem = `“${file.name}” has more than 10 MB.`;
      else if (!file.size) problem = `“${file.name}” is empty.`;
      else added.push(begun(file));
    }
    this.#set(conversationId, [...this.of(conversationId), ...added]);
    this.#next(conversationId);
    return problem;
  }

  remove(conversationId: Id, key: string): void {
    this.#aborts.get(key)?.abort();
    this.#aborts.delete(key);
    const rest: Upload[] = [];
    for (const each of this.of(conversationId)) {
      if (each.key !== key) rest.push(each);
      else if (each.preview) URL.revokeObjectURL(each.preview);
    }
    this.#set(conversationId, rest);
    this.#next(conversationId);
  }

  retry(conversationId: Id, key: string): void {
    this.#change(conversationId, key, { state: "waiting", problem: null, progress: 0 });
    this.#next(conversationId);
  }

  /** What a message takes with it. */
  take(conversationId: Id): Attachment[] {
    const ready = this.of(conversationId);
    for (const each of ready) if (each.preview) URL.revokeObjectURL(each.preview);
    this.#set(conversationId, []);
    return ready.flatMap((each) => each.attachment ?? []);
  }

  #next(conversationId: Id): void {
    const all = this.of(conversationId);
    let busy = all.filter((each) => each.state === "busy").length;
    for (const each of all) {
      if (busy >= AT_ONCE) return;
      if (each.state !== "waiting") continue;
      busy++;
      this.#change(conversationId, each.key, { state: "busy" });
      void this.#upload(conversationId, each);
    }
  }

  async #upload(conversationId: Id, { key, file }: Upload): Promise<void> {
    const abort = new AbortController();
    this.#aborts.set(key, abort);
    try {
      const attachment = await this.#try(conversationId, key, file, abort.signal);
      this.#change(conversationId, key, { state: "ready", progress: 1, attachment });
    } catch (error) {
      if (!abort.signal.aborted) {
        if (!(error instanceof ApiError)) throw error;
        this.#change(conversationId, key, { state: "failed", problem: explain(error) });
      }
    }
    this.#aborts.delete(key);
    this.#next(conversationId);
  }

  async #try(conversationId: Id, key: string, file: File, signal: AbortSignal): Promise<Attachment> {
    for (let attempt = 0; ; attempt++) {
      try {
        const announced = await this.#api.request<{ upload_url: string }>(
          "POST",
          `/v1/conversations/${conversationId}/attachments`,
          { body: { name: nameOf(file), content_type: typeOf(file), size: file.size }, signal },
        );
        return await this.#api.upload<Attachment>(announced.upload_url, file, signal, (progress) =>
          this.#change(conversationId, key, { progress }),
        );
      } catch (error) {
        if (signal.aborted || !(error instanceof ApiError)) throw error;
        if (!error.temporary || attempt + 1 >= MOST_ATTEMPTS) throw error;
        const wait = backOff(attempt, Math.random(), error.retryAfterMs);
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  #change(conversationId: Id, key: string, change: Partial<Upload>): void {
    this.#set(
      conversationId,
      this.of(conversationId).map((each) => (each.key === key ? { ...each, ...change } : each)),
    );
  }

  #set(conversationId: Id, uploads: readonly Upload[]): void {
    this.#of.set(conversationId, uploads);
    this.#changed();
  }
}

const NOTHING: readonly Upload[] = [];

function begun(file: File): Upload {
  return {
    key: crypto.randomUUID(),
    file,
    preview: /^image\/(png|jpeg|gif|webp)$/.test(file.type) ? URL.createObjectURL(file) : null,
    progress: 0,
    state: "waiting",
    problem: null,
    attachment: null,
  };
}

function typeOf({ type }: File): string {
  return TOLD_BY_BYTES.test(type) ? "application/octet-stream" : type;
}

/** As the server takes it: no slashes, quotes and control characters, 255 characters at most. */
function nameOf({ name }: File): string {
  const clean = name.replaceAll(/[/\\"\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "_").trim() || "file";
  const dot = clean.lastIndexOf(".");
  const suffix = dot > 0 ? clean.slice(dot).slice(0, 20) : "";
  return clean.length <= 200 ? clean : clean.slice(0, 180).trimEnd() + suffix;
}
