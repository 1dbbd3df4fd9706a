import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin, UserConfig } from "vite";

const COMPRESSED = new Set([".css", ".html", ".js", ".json", ".svg", ".wasm", ".webmanifest"]);
const COMPRESSED_BYTES_MIN = 1024;

function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Writes each file once more as brotli and as gzip, so that the server never compresses. */
function precompress(directory: string): Plugin {
  return {
    name: "huitong-precompress",
    apply: "build",
    closeBundle() {
      for (const path of listFiles(directory)) {
        if (!COMPRESSED.has(extname(path)) || statSync(path).size < COMPRESSED_BYTES_MIN) continue;
        const plain = readFileSync(path);
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 9 };
        writeFileSync(`${path}.br`, brotliCompressSync(plain, { params: quality }));
        writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
      }
    },
  };
}

/** Puts the names of the hashed files into the service worker of an app that has one. */
function listShell(directory: string): Plugin {
  return {
    name: "huitong-shell",
    apply: "build",
    closeBundle() {
      const path = join(directory, "sw.js");
      const files = listFiles(directory).map((file) => relative(directory, file));
      if (!files.includes("sw.js")) return;
      const shell = files.filter((file) => /^assets\/.*\.(?:js|css)$/u.test(file)).sort();
      const text = readFileSync(path, "utf-8").replace('["__SHELL__"]', JSON.stringify(shell));
      writeFileSync(path, text);
    },
  };
}

/** Returns the configuration that both apps share: served at `/base/`, put where the API looks. */
export function configureApp(options: { app: "customer" | "console"; base: string }): UserConfig {
  const root = fileURLToPath(new URL(`../../${options.app}/`, import.meta.url));
  const outDir = fileURLToPath(
    new URL(`../../../src/huitong/api/built/${options.app}`, import.meta.url),
  );
  return {
    root,
    base: `/${options.base}/`,
    logLevel: "warn",
    plugins: [react(), listShell(outDir), precompress(outDir)],
    resolve: { alias: { "@": join(root, "src") } },
    // `make run` serves the API there; the cookie is the browser's, so the host must stay.
    server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2022",
      sourcemap: false,
      // A style or a picture inside a document would need a weaker content policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
  };
}
