import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const GATEWAY = process.env.REALCHAT_WEB_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // These have `light-dark()`.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // The gateway's policy has no `data:` for fonts and scripts, and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: { input: ["index.html", "confirm.html"] },
  },
  // `npx vite` for working on the client, in front of a running stack.
  server: { proxy: { "/v1": GATEWAY } },
  test: { environment: "node", include: ["test/**/*.test.ts"], pool: "threads", isolate: false },
});
