const WORKER = "/sw.js";
const LOOK_AGAIN_MS = 60 * 60 * 1000;

interface Policies {
  createPolicy: (
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ) => {
    createScriptURL: (url: string) => string;
  };
}

/** Lets the page open without a network from now on, where the browser can. */
export async function register(): Promise<void> {
  // Outside of secure contexts there are no workers.
  const workers = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  if (!workers) return;
  // The page's policy takes addresses of scripts only from a policy of ours. Not all browsers have them.
  const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
  const policy = policies?.createPolicy("realchat-worker", { createScriptURL: () => WORKER });
  try {
    const registered = await workers.register(policy?.createScriptURL(WORKER) ?? WORKER);
    // Browsers look for another release when a page is opened; this one may be open for days.
    setInterval(() => void registered.update().catch(() => undefined), LOOK_AGAIN_MS);
  } catch {
    // Private windows, full disks, no network: the page works as well without.
  }
}
