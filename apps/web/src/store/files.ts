/** The bytes of files that messages carry. They need the access token, so they come by fetch, as object URLs. */

import type { Id } from "../core/wire";
import type { Api } from "../net/api";
import { ApiError } from "../net/problem";

const MOST_KEPT = 200;

type Kind = "thumbnail" | "content";

interface Links {
  url: string | null;
  thumbnail_url: string | null;
}

export class Files {
  readonly #api: Api;
  /** Oldest use first. */
  readonly #kept = new Map<string, Promise<string>>();

  constructor(api: Api) {
    this.#api = api;
  }

  /** An object URL of a file, or of a small picture of it. */
  url(id: Id, kind: Kind): Promise<string> {
    const key = `${kind}/${id}`;
    const held = this.#kept.get(key);
    this.#kept.delete(key);
    const url = held ?? this.#read(id, kind).then((bytes) => URL.createObjectURL(bytes));
    this.#kept.set(key, url);
    if (!held) {
      url.catch(() => this.#kept.delete(key));
      if (this.#kept.size > MOST_KEPT) this.#drop();
    }
    return url;
  }

  async save(id: Id, name: string): Promise<void> {
    download(await this.url(id, "content"), name);
  }

  clear(): void {
    while (this.#kept.size) this.#drop();
  }

  /** What is shown of it stays: a picture that was loaded does not need its URL any more. */
  #drop(): void {
    const [oldest] = this.#kept;
    if (!oldest) return;
    this.#kept.delete(oldest[0]);
    oldest[1].then(
      (url) => URL.revokeObjectURL(url),
      () => undefined,
    );
  }

  async #read(id: Id, kind: Kind): Promise<Blob> {
    const links = await this.#api.get<Links>(`/v1/attachments/${id}`);
    const link = kind === "thumbnail" ? links.thumbnail_url : links.url;
    if (!link) throw new ApiError({ code: "attachment_not_found", detail: "No such file", temporary: false });
    return this.#api.bytes(link);
  }
}

/** Hands what is at an address to the browser's downloads. */
export function download(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}
