/** The service worker: the page opens without a network. Its rules are in release.ts. */

import { dropOthers, file, keep, page, wayOf, type Means, type Release } from "./release";

interface Lasting extends Event {
  waitUntil: (work: Promise<unknown>) => void;
}

interface Asked extends Lasting {
  request: Request;
  respondWith: (answer: Promise<Response>) => void;
}

interface Worker extends EventTarget {
  skipWaiting: () => Promise<void>;
  clients: { claim: () => Promise<void> };
}

/** The build puts it here. */
declare const RELEASE_OF_THIS_BUILD: Release;

const worker = globalThis as unknown as Worker;
const release = RELEASE_OF_THIS_BUILD;
const means: Means = { caches, fetch: (request, init) => fetch(request, init) };

worker.addEventListener("install", (event) => {
  // Nothing is loaded later than with the page, so pages of the release before go on without its files.
  (event as Lasting).waitUntil(keep(release, means).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  (event as Lasting).waitUntil(dropOthers(release, means).then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const { request, respondWith } = event as Asked;
  const way = wayOf(request, release, location.origin);
  if (way !== "network") respondWith.call(event, (way === "page" ? page : file)(request, release, means));
});
