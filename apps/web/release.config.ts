import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";
import type { Release } from "./src/worker/release";

const WORKER = "sw.js";
/** Fonts of other scripts are big, and there when the browser has them. */
const NOT_KEPT = /^sw\.js$|confirm|-(?!latin-wght)[a-z]+(-ext)?-wght.*\.woff2$|-latin-ext-wght/;

/** Tells the service worker what this build is made of. */
export function release(): Plugin {
  let publicDir = "";
  return {
    name: "realchat-release",
    apply: "build",
    configResolved(config) {
      ({ publicDir } = config);
    },
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const built = Object.entries(bundle).filter(([name]) => !NOT_KEPT.test(name));
        const bytes = new Map(
          built.map(([name, part]) => [name, part.type === "chunk" ? part.code : part.source]),
        );
        for (const name of readdirSync(publicDir)) bytes.set(name, readFileSync(`${publicDir}/${name}`));
        const page = bytes.get("index.html");
        const worker = bundle[WORKER];
        if (page === undefined || worker?.type !== "chunk")
          throw new Error("There is no page, or no worker.");
        bytes.delete("index.html");
        const whole = createHash("sha256").update(page).update(worker.code);
        for (const [name, each] of bytes) whole.update(name).update(each);
        const made: Release = {
          version: whole.digest("hex").slice(0, 16),
          page: createHash("sha256").update(page).digest("hex"),
          files: [...bytes.keys()].map((name) => `/${name}`).toSorted(),
        };
        worker.code = worker.code.replaceAll("RELEASE_OF_THIS_BUILD", JSON.stringify(made));
      },
    },
  };
}
