import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyPrefs, readPrefs } from "./app/prefs";
import "./app/styles.css";

// Before anything is drawn: nobody who chose dark should be dazzled first.
applyPrefs(readPrefs());
const root = document.getElementById("root");
if (root === null) throw new Error("the document has no root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  window.addEventListener("load", () => void navigator.serviceWorker.register("/app/sw.js"));
}
