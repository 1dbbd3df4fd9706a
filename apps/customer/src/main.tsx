import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

const root = document.getElementById("root");
if (root === null) throw new Error("the document has no root");
createRoot(root).render(
  <StrictMode>
    <main>
      <h1>汇通 Huitong</h1>
    </main>
  </StrictMode>,
);
