/** What a release of the client is kept as, so that it opens without a network. Never the API, tokens or files. */

/** Written into the worker by the build. */
export interface Release {
  /** Another one for each build that differs. */
  version: string;
  /** The SHA-256 of the page, hex. */
  page: string;
  /** What the page needs, without the page itself. */
  files: readonly string[];
}

export const PAGE = "/";
const PREFIX = "realchat-shell-";
const PATIENCE_MS = 4_000;

export type Way = "page" | "file" | "network";

/** How a request is answered. Whatever is not the page or a part of it is none of the worker's business. */
export function wayOf(
  request: Pick<Request, "method" | "mode" | "url">,
  release: Release,
  origin: string,
): Way {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== origin) return "network";
  if (request.mode === "navigate") return url.pathname === PAGE ? "page" : "network";
  return release.files.includes(url.pathname) ? "file" : "network";
}

/** What the worker is given by the browser. */
export interface Means {
  caches: CacheStorage;
  fetch: (request: Request | string, init?: RequestInit) => Promise<Response>;
}

const nameOf = ({ version }: Release): string => PREFIX + version;

/**
 * Keeps a release whole, or not at all.
 *
 * While servers are replaced, one of the old ones may answer with its own page, which needs other files: then this
 * fails, and the browser tries again later.
 */
export async function keep(release: Release, { caches, fetch }: Means): Promise<void> {
  const page = await fetch(PAGE, { cache: "reload" });
  if (!page.ok || (await sha256(page.clone())) !== release.page)
    throw new Error("The page is of another release.");
  const cache = await caches.open(nameOf(release));
  await cache.addAll([...release.files]);
  await cache.put(PAGE, page);
}

/** Removes the releases before. */
export async function dropOthers(release: Release, { caches }: Means): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== nameOf(release));
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The server's page, so that a new release is seen at once; without a server that answers, the one that is kept. */
export async function page(request: Request, release: Release, means: Means): Promise<Response> {
  const asked = means.fetch(request);
  const kept = async (): Promise<Response | undefined> =>
    (await means.caches.open(nameOf(release))).match(PAGE, { ignoreVary: true });
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  const answer = await Promise.race([asked.catch(() => null), late]);
  if (answer && answer.status < 500) return answer;
  return (await kept()) ?? asked;
}

/** A part of the page: as it is kept, else from the server. */
export async function file(request: Request, release: Release, means: Means): Promise<Response> {
  const cache = await means.caches.open(nameOf(release));
  return (await cache.match(request, { ignoreVary: true })) ?? means.fetch(request);
}

async function sha256(answer: Response): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await answer.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
