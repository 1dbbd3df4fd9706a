import "@ant-design/v5-patch-for-react-19";
import "@/app/style.css";
import { createRoot } from "react-dom/client";
import { StrictMode } from "react";
import { Root } from "@/Root";

const root = document.getElementById("root");
if (root === null) throw new Error("the document has no root");
createRoot(root).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
