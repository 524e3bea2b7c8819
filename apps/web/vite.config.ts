import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { release } from "./release.config.ts";

const GATEWAY = process.env.REALCHAT_WEB_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), release()],
  build: {
    target: "es2022",
    // These have `light-dark()`.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The gateway's policy has no `data:` for fonts and scripts, and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: { index: "index.html", confirm: "confirm.html", sw: "src/worker/sw.ts" },
      // A worker's address says what it may answer for.
      output: { entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
  },
  // `npx vite` for working on the client, in front of a running stack.
  server: { proxy: { "/v1": GATEWAY } },
  test: { environment: "node", include: ["test/**/*.test.ts"], pool: "threads", isolate: false },
});
