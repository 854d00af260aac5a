// SPDX-License-Identifier: Apache-2.0
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// While developing: GPUSCALE_URL=http://127.0.0.1:8486 npm run dev
// The Host stays the page's own: the server refuses changes that a page of another site asks for.
const server = { target: process.env.GPUSCALE_URL ?? "http://127.0.0.1:8486", changeOrigin: false };

export default defineConfig({
  plugins: [react()],
  build: { target: "es2021", assetsInlineLimit: 0, chunkSizeWarningLimit: 1500, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": server, "/query": server, "/write": server } },
});
