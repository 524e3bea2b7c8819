/** Where the links of mails lead: `#verify=…`, `#change=…` and `#reset=…`. */

import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/shell.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Confirmation } from "./ui/Confirmation";
import { applyTheme, savedTheme } from "./ui/theme";

applyTheme(savedTheme());
const [purpose = "", token = ""] = location.hash.slice(1).split("=");
history.replaceState(null, "", location.pathname); // so that what the link brings is not kept, nor passed on
addEventListener("hashchange", () => location.reload()); // another link, in the same tab
const root = document.querySelector("#root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Confirmation purpose={purpose} token={token} />
    </StrictMode>,
  );
}
