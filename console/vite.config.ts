// SPDX-License-Identifier: Apache-2.0
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// While developing: GPUSCALE_URL=http://127.0.0.1:8486 npm run dev
const server = process.env.GPUSCALE_URL ?? "http://127.0.0.1:8486";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2021", assetsInlineLimit: 0, chunkSizeWarningLimit: 1500, modulePreload: { polyfill: false } },
  server: { proxy: { "/api": server, "/query": server } },
});
