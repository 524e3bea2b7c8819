// Draws the chat: the list of conversations, and the one that is open.

import { $, avatar, dayOf, h, show, shortly, timeOf } from "./dom.js";

const NEAR = 80;
const SAME_BREATH_MS = 5 * 60_000;

export function view(chat) {
  const events = $("events");

  const nameOf = (id) => (id === chat.me.user_id ? "You" : (chat.people.get(id)?.display_name ?? "Somebody"));
  const isHere = (id) => chat.presence.get(id)?.status === "online";

  function peerOf(conversation) {
    return conversation.members.find((member) => member.user_id !== chat.me.user_id)?.user_id ?? chat.me.user_id;
  }

  function titleOf(conversation) {
    return conversation.kind === "direct" ? nameOf(peerOf(conversation)) : conversation.title;
  }

  function subtitleOf(conversation) {
    if (conversation.kind === "group") return `${conversation.memberCount} members`;
    const presence = chat.presence.get(peerOf(conversation));
    if (presence?.status === "online") return "online";
    return presence?.last_seen_at ? `last seen ${shortly(presence.last_seen_at)}` : "";
  }

  function tell(event) {
    const who = nameOf(event.actor_id);
    const { data } = event;
    switch (event.kind) {
      case "conversation.created": return data.kind === "group" ? `${who} made the group “${data.title}”` : `${who} began the conversation`;
      case "members.added": return `${who} added ${data.members.map((member) => nameOf(member.user_id)).join(", ")}`;
      case "member.removed": return `${who} removed ${nameOf(data.user_id)}`;
      case "member.left": return `${who} left${data.new_owner_id ? `; ${nameOf(data.new_owner_id)} now owns the group` : ""}`;
      case "role.changed": return `${who} made ${nameOf(data.user_id)} ${data.role}`;
      case "conversation.renamed": return `${who} renamed the group to “${data.title}”`;
      default: return "Something that this page does not know happened";
    }
  }

  // The list

  function glimpse(conversation) {
    const waiting = conversation.pending.at(-1);
    if (waiting) return `You: ${waiting.body}`;
    const last = conversation.log.lastMessage;
    if (!last) return conversation.kind === "group" ? `${conversation.memberCount} members` : "";
    const body = last.data.deleted ? "Deleted" : last.data.body;
    return last.actor_id === chat.me.user_id || conversation.kind === "group" ? `${nameOf(last.actor_id)}: ${body}` : body;
  }

  function drawList() {
    const conversations = chat.inOrder();
    const facts = (each) => [titleOf(each), glimpse(each).slice(0, 200), shortly(each.at), each.unread, each.id === chat.openId, each.kind === "direct" && isHere(peerOf(each))];
    show($("conversations"), conversations, (each) => each.id, (each) => JSON.stringify(facts(each)), (each) => {
      const [title, text, at, unread, isOpen, here] = facts(each);
      const button = h(
        "button",
        { type: "button", aria: { current: String(isOpen) } },
        avatar(each.kind === "direct" ? peerOf(each) : each.id, title, { here }),
        h(
          "span",
          { className: "lines" },
          h("span", { className: "line" }, h("span", { className: "name cut" }, title), h("span", { className: "subtle" }, at)),
          h("span", { className: "line" }, h("span", { className: "subtle cut" }, text), unread ? h("span", { className: "unread", aria: { label: `${unread} unread` } }, String(unread)) : null),
        ),
      );
      button.onclick = () => open(each.id);
      return h("li", {}, button);
    });
    $("no-conversations").hidden = conversations.length > 0;
    const unread = conversations.reduce((sum, each) => sum + each.unread, 0);
    document.title = unread ? `(${unread}) RealChat` : "RealChat";
  }

  // The open conversation

  function entries(conversation) {
    const list = [];
    let day = null;
    let before = null;
    for (const event of conversation.log.events) {
      const today = dayOf(event.at);
      if (today !== day) list.push({ kind: "day", key: `day ${today}`, text: today });
      const isMessage = event.kind === "message.sent";
      const first = today !== day || before?.actor !== event.actor_id || Date.parse(event.at) - before.at > SAME_BREATH_MS;
      list.push(isMessage ? { kind: "message", key: event.event_id, event, first } : { kind: "notice", key: event.event_id, text: tell(event) });
      before = isMessage ? { actor: event.actor_id, at: Date.parse(event.at) } : null;
      day = today;
    }
    for (const message of conversation.pending) list.push({ kind: "pending", key: message.clientMessageId, message });
    return list;
  }

  function look(entry, conversation) {
    if (entry.kind === "message") return `${entry.first} ${entry.event.data.deleted} ${nameOf(entry.event.actor_id)} ${conversation.kind}`;
    return entry.kind === "pending" ? String(entry.message.failed) : entry.text;
  }

  function drawEntry(entry, conversation) {
    if (entry.kind === "day" || entry.kind === "notice") return h("li", { className: entry.kind }, entry.text);
    if (entry.kind === "pending") {
      const { message } = entry;
      const again = h("button", { type: "button", onclick: () => chat.sayAgain(message) }, "Not sent. Try again");
      const item = bubble({ mine: true, body: message.body, at: message.failed ? again : "Sending…" });
      item.classList.add(message.failed ? "failed" : "sending");
      return item;
    }
    const { event, first } = entry;
    const mine = event.actor_id === chat.me.user_id;
    const author = mine || conversation.kind === "direct" ? null : { id: event.actor_id, first };
    return bubble({ mine, author, first, body: event.data.body, deleted: event.data.deleted, at: timeOf(event.at) });
  }

  function bubble({ mine, author, first = true, body, deleted = false, at }) {
    const item = h(
      "li",
      { className: "message" },
      author ? avatar(author.id, nameOf(author.id), { small: true }) : null,
      h(
        "div",
        { className: "bubble" },
        author && first ? h("div", { className: "author" }, nameOf(author.id)) : null,
        h("div", { className: deleted ? "text deleted" : "text", dir: "auto" }, deleted ? "This message was deleted" : body),
        h("div", { className: "meta" }, at),
      ),
    );
    item.classList.toggle("mine", mine);
    item.classList.toggle("first", first);
    return item;
  }

  let shownId = null;
  let shownFrom = 0;

  function drawOpen() {
    const conversation = chat.open;
    $("open").hidden = !conversation;
    $("nothing-open").hidden = Boolean(conversation);
    $("chat").dataset.open = String(Boolean(conversation));
    if (!conversation) return;
    $("title").textContent = titleOf(conversation);
    $("subtitle").textContent = subtitleOf(conversation);
    if (shownId !== conversation.id) events.replaceChildren();
    const fromEnd = events.scrollHeight - events.scrollTop;
    const stay = shownId === conversation.id && fromEnd - events.clientHeight > NEAR;
    show(events, entries(conversation), (entry) => entry.key, (entry) => look(entry, conversation), (entry) => drawEntry(entry, conversation));
    const { firstSeq } = conversation.log;
    if (!stay) events.scrollTop = events.scrollHeight;
    else if (firstSeq < shownFrom) events.scrollTop = events.scrollHeight - fromEnd; // it grew above
    shownId = conversation.id;
    shownFrom = firstSeq;
  }

  async function open(id) {
    await chat.show(id);
    $("body").focus();
  }

  // What people do

  const body = $("body");
  const fit = () => {
    body.style.height = "auto";
    body.style.height = `${body.scrollHeight + 2}px`;
  };
  body.oninput = fit;
  body.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("composer").requestSubmit();
  };
  $("composer").onsubmit = (event) => {
    event.preventDefault();
    const text = body.value.trim();
    if (!text) return;
    body.value = "";
    fit();
    chat.say(text);
    events.scrollTop = events.scrollHeight;
  };
  $("back").onclick = () => chat.show(null);
  events.onscroll = () => events.scrollTop < NEAR && chat.older();

  $("me").replaceChildren(avatar(chat.me.user_id, chat.me.display_name), h("span", { className: "cut", title: `@${chat.me.handle}` }, chat.me.display_name));

  let drawing = false;
  const draw = () => {
    drawing = false;
    drawList();
    drawOpen();
  };
  return () => {
    // What comes together is drawn once; no animation frame, since a hidden tab has none but shows the unread count.
    if (!drawing) setTimeout(draw, 16);
    drawing = true;
  };
}
