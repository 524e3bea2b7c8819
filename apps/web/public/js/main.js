// Starts the page: who is here, and what connects what.

import { Api } from "./api.js";
import { Chat } from "./chat.js";
import { $ } from "./dom.js";
import { entrance } from "./entrance.js";
import { finder } from "./finder.js";
import { Socket } from "./socket.js";
import { view } from "./view.js";

const TOAST_MS = 5000;
const RETRY_MS = 3000;

const api = new Api();
let running = null;
let toastTimer = null;

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($("toast").hidden = true), TOAST_MS);
}

function banner(text) {
  $("banner").textContent = text ?? "";
  $("banner").hidden = !text;
}

async function enter() {
  const socket = new Socket(api, () => running.chat.positions());
  const chat = new Chat(api, socket);
  await chat.load();
  running = { chat, socket };
  const draw = view(chat);
  chat.addEventListener("change", draw);
  chat.addEventListener("problem", ({ detail }) => toast(detail));
  finder(chat);
  socket.addEventListener("up", () => banner(null));
  socket.addEventListener("down", ({ detail }) => {
    const seconds = Math.ceil(detail.waitMs / 1000);
    banner(navigator.onLine ? `Connecting again in ${seconds} s …` : "You are offline. Messages are sent when you are back.");
  });
  socket.addEventListener("end", ({ detail }) => banner(`The server does not take this connection (${detail}). Reload the page.`));
  $("entrance").hidden = true;
  $("chat").hidden = false;
  draw();
  socket.start();
}

function leave() {
  running?.socket.stop();
  running?.chat.close();
  running = null;
  banner(null);
  $("finder").close();
  $("chat").hidden = true;
  $("entrance").hidden = false;
}

api.onLoggedOut = leave;
$("log-out").onclick = () => api.logOut().catch(() => {});
addEventListener("online", () => {
  if (running?.socket.isUp) banner(null); // the connection outlived the gap
  else running?.socket.hurry();
});
addEventListener("offline", () => running && banner("You are offline. Messages are sent when you are back."));
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !running) return;
  running.socket.hurry();
  if (running.chat.openId) running.chat.show(running.chat.openId);
});

entrance(api, enter);
while (api.hasSession && !running) {
  try {
    await enter();
  } catch (error) {
    toast(error.message);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
$("entrance").hidden = running !== null;
