import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { startTheme } from "./components/shell/theme";
import { reloadForNewBuild } from "./newBuild";
import "./styles/global.css";

startTheme();
reloadForNewBuild();

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
