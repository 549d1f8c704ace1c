// The page of the sandbox. Everything that came in from outside is set as text, never as markup.
"use strict";

const PHONES_SHOWN = 24;
const BUBBLES_SHOWN = 12;
const ENTRIES_SHOWN = 80;
const TICKS = { 1: "◷", 3: "◷", 2: "↑", 6: "✓", 7: "✓✓" };
const TEXT_CALLS = ["addsms", "smstosend", "addalotofsms", "paket"];

const texts = new Map(); // by id
const entries = new Map(); // by number
let totals = {};

const one = (id) => document.getElementById(id);

function make(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = visible(content);
  return node;
}

// Characters that nobody sees but that reorder or hide others are shown by their number.
function visible(words) {
  return words.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (sign) => "⟨U+" + sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
}

function shortened(words) {
  return words.length > 48 ? words.slice(0, 32) + "…" + words.slice(-8) : words;
}

function clock(moment) {
  const node = make("time", "", new Date(moment).toLocaleTimeString("en-GB"));
  node.dateTime = moment;
  return node;
}

function written(value) {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return value.map(written).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function bubble(text) {
  const node = make("li", text.incoming ? "bubble incoming" : "bubble");
  const body = make("p", "body", text.body);
  body.dir = "auto";
  const meta = make("p", "meta");
  meta.append(clock(text.at));
  if (text.urgent) meta.append(make("span", "urgent", "urgent"));
  if (text.later && text.status === 1) {
    meta.append(make("span", "", "due " + new Date(text.later).toLocaleString("en-GB")));
  }
  const status = make("span", "status");
  status.dataset.status = text.failed ? "failed" : text.status;
  const tick = make("span", "tick", text.failed ? "✕" : text.incoming ? "←" : TICKS[text.status] || "?");
  tick.setAttribute("aria-hidden", "true");
  status.append(make("span", "", text.incoming ? "came in" : text.title), tick);
  meta.append(status);
  node.append(body, meta);
  return node;
}

function phone(number, list) {
  const node = make("article", "phone");
  const head = make("header", "");
  head.append(make("h3", "", number));
  head.append(make("span", "how-many", list.length === 1 ? "1 text" : list.length + " texts"));
  const bubbles = make("ol", "bubbles");
  const shown = list.slice(-BUBBLES_SHOWN);
  if (shown.length < list.length) {
    bubbles.append(make("li", "older", list.length - shown.length + " older"));
  }
  bubbles.append(...shown.map(bubble));
  node.append(head, bubbles);
  return node;
}

function change(part) {
  const node = make("li", "");
  node.append(make("span", "field", part.field));
  if (part.old !== null) node.append(make("span", "old", written(part.old)), make("span", "arrow", "→"));
  node.append(make("span", "new", written(part.new)));
  return node;
}

function entry(item) {
  const node = make("li", "entry");
  node.dataset.status = item.status;
  const head = make("p", "head");
  const contact = make("strong", "contact", shortened(item.contact));
  contact.title = item.contact;
  head.append(make("span", "channel", item.channel), contact);
  head.append(make("span", "chip", item.status));
  const changes = make("ul", "changes");
  changes.append(...item.changed.filter((part) => part.field !== "status" || part.old).map(change));
  const meta = make("p", "meta");
  const what = item.is_new ? "new" : item.changed.length ? "changed" : "set again, nothing changed";
  meta.append(clock(item.at), make("span", "", what));
  meta.append(make("span", "", "profile " + shortened(item.profile)));
  meta.append(make("span", "", "db " + item.db + ", resource " + item.resource));
  node.append(head);
  if (changes.childElementCount) node.append(changes);
  node.append(meta);
  return node;
}

function rest(node, hidden, what) {
  node.hidden = hidden <= 0;
  node.textContent = "and " + hidden + " more " + what;
}

function draw() {
  const phones = new Map();
  for (const text of [...texts.values()].sort((a, b) => a.id - b.id)) {
    if (!phones.has(text.to)) phones.set(text.to, []);
    phones.get(text.to).push(text);
  }
  const newest = [...phones].sort((a, b) => b[1].at(-1).id - a[1].at(-1).id);
  one("phones").replaceChildren(...newest.slice(0, PHONES_SHOWN).map(([to, list]) => phone(to, list)));
  rest(one("phones-rest"), newest.length - PHONES_SHOWN, "numbers");
  one("texts-empty").hidden = texts.size > 0;

  const latest = [...entries.values()].sort((a, b) => b.n - a.n);
  one("entries").replaceChildren(...latest.slice(0, ENTRIES_SHOWN).map(entry));
  rest(one("entries-rest"), latest.length - ENTRIES_SHOWN, "changes");
  one("timeline-empty").hidden = entries.size > 0;

  const counts = { texts: TEXT_CALLS.reduce((sum, call) => sum + (totals[call] || 0), 0), entries: totals["subscriptions/set"] || 0 };
  for (const node of document.querySelectorAll("[data-count]")) {
    node.textContent = counts[node.dataset.count].toLocaleString("en-GB");
  }
}

let drawing = 0;
function drawSoon() {
  if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; draw(); });
}

function keepNewest(items, limit) {
  for (const key of [...items.keys()].sort((a, b) => a - b).slice(0, Math.max(0, items.size - limit))) {
    items.delete(key);
  }
}

function follow() {
  const source = new EventSource("_sandbox/live");
  source.onopen = () => link("live", "live");
  source.onerror = () => link("lost", "connection lost, trying again");
  source.onmessage = (message) => {
    const changes = JSON.parse(message.data);
    if (changes.fresh) { texts.clear(); entries.clear(); }
    for (const text of changes.texts) texts.set(text.id, text);
    for (const item of changes.entries) entries.set(item.n, item);
    keepNewest(texts, 400);
    keepNewest(entries, 400);
    totals = changes.counts;
    drawSoon();
  };
}

function link(state, words) {
  one("link").dataset.state = state;
  one("link-words").textContent = words;
}

async function showStanding() {
  const answer = await fetch("_sandbox/faults");
  const { faults } = await answer.json();
  one("standing").replaceChildren(...faults.map((fault) => {
    const node = make("li", "", fault.call + ": " + fault.fault + ", " + (fault.left ?? "no end of") + " left ");
    const remove = make("button", "", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", "Remove " + fault.fault + " of " + fault.call);
    remove.onclick = async () => {
      await fetch("_sandbox/faults/" + fault.id, { method: "DELETE" });
      await showStanding();
    };
    node.append(remove);
    return node;
  }));
}

async function order(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const wanted = { call: form.get("call"), fault: form.get("fault"), times: Number(form.get("times")) };
  const answer = await fetch("_sandbox/faults", { method: "POST", body: JSON.stringify(wanted) });
  const content = await answer.json();
  one("order-said").textContent = answer.ok ? "Ordered: the next calls meet it." : content.detail;
  await showStanding();
}

for (const node of document.querySelectorAll("[data-path]")) {
  node.textContent = location.origin + node.dataset.path;
}
for (const button of document.querySelectorAll("[data-show]")) {
  button.onclick = () => {
    document.body.dataset.view = button.dataset.show;
    for (const other of document.querySelectorAll("[data-show]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  };
}
one("order").onsubmit = order;
document.querySelector("details.faults").ontoggle = showStanding;
draw();
follow();
