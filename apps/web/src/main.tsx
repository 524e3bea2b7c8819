import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/history.css";
import "./styles/panels.css";
import "./styles/settings.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Session } from "./store/session";
import { App } from "./ui/App";
import { applyTheme, savedTheme } from "./ui/theme";
import { register } from "./worker/register";

applyTheme(savedTheme());
const session = new Session();
const root = document.querySelector("#root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App session={session} />
    </StrictMode>,
  );
}
void session.begin();
if (import.meta.env.PROD) void register();
