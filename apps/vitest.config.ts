import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["*/src/**/*.test.ts"] },
  resolve: {
    alias: [{ find: /^@\//u, replacement: fileURLToPath(new URL("./customer/src/", import.meta.url)) }],
  },
});
