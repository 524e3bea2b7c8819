// Finding people, and beginning a conversation with one or several.

import { $, avatar, h, show } from "./dom.js";

const PAUSE_MS = 250;

export function finder(chat) {
  const dialog = $("finder");
  const problem = dialog.querySelector(".problem");
  const chosen = new Map();
  let timer = null;
  let asked = 0;
  let key = null;

  function draw() {
    show($("chosen"), [...chosen.values()], (user) => user.user_id, (user) => user.display_name, (user) => {
      const button = h("button", { type: "button", title: "Leave out" }, `${user.display_name} ×`);
      button.onclick = () => choose(user);
      return h("li", {}, button);
    });
    $("group").hidden = chosen.size === 0;
    $("group-title").closest("label").hidden = chosen.size < 2;
    $("begin").disabled = chosen.size === 0 || (chosen.size > 1 && !$("group-title").value.trim());
    $("begin").textContent = chosen.size > 1 ? "Begin group" : "Begin";
  }

  function choose(user) {
    if (!chosen.delete(user.user_id)) chosen.set(user.user_id, user);
    draw();
  }

  async function search() {
    const prefix = $("prefix").value.trim();
    const mine = ++asked;
    try {
      const users = prefix ? await chat.find(prefix) : [];
      if (mine !== asked) return; // an answer to an older question
      show($("found"), users, (user) => user.user_id, (user) => `${user.display_name} ${user.handle}`, (user) => {
        const button = h(
          "button",
          { type: "button" },
          avatar(user.user_id, user.display_name, { small: true }),
          h("span", { className: "cut" }, user.display_name, " ", h("span", { className: "subtle" }, `@${user.handle}`)),
        );
        button.onclick = () => choose(user);
        return h("li", {}, button);
      });
      $("none-found").hidden = !prefix || users.length > 0;
    } catch (error) {
      tell(error);
    }
  }

  function tell(error) {
    problem.textContent = error?.message ?? "";
    problem.hidden = !error;
  }

  async function begin() {
    const ids = [...chosen.keys()];
    $("begin").disabled = true;
    tell(null);
    try {
      if (ids.length > 1) await chat.startGroup($("group-title").value.trim(), ids, key);
      else await chat.startDirect(ids[0]);
      dialog.close();
    } catch (error) {
      tell(error);
    } finally {
      draw();
    }
  }

  $("find").onclick = () => {
    chosen.clear();
    key = crypto.randomUUID();
    for (const id of ["prefix", "group-title"]) $(id).value = "";
    tell(null);
    draw();
    search();
    dialog.showModal();
  };
  $("prefix").oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  };
  $("group-title").oninput = draw;
  $("begin").onclick = begin;
  dialog.querySelector("form").onsubmit = (event) => {
    if (event.submitter?.value === "cancel") return;
    event.preventDefault(); // Enter in a field
    if (!$("begin").disabled) begin();
  };
}
