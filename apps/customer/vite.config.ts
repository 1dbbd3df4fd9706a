import { configureApp } from "../kit/vite/shared.ts";
import { defineConfig } from "vite";

export default defineConfig(configureApp({ app: "customer", base: "app" }));
