import "@ant-design/v5-patch-for-react-19";
import "@/app/style.css";
import { createRoot } from "react-dom/client";
import { StrictMode } from "react";
import { markStyles } from "@/app/nonce";
import { Root } from "@/Root";

const root = document.getElementById("root");
if (root === null) throw new Error("the document has no root");
markStyles();
createRoot(root).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
