// The console's own script. Every page works without it; it adds what a page alone cannot do:
// clocks that tick, keys, drafts that survive, live updates, and focus that follows what was opened.
// No text of ours is in here: words come from data-words, so that they are translated with the page.
"use strict";

const body = document.body;
const words = JSON.parse(body.dataset.words || "{}");
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const openTicket = () => one("#ticket[data-number]");
const say = (text) => {
  const note = document.createElement("div");
  note.className = "notice";
  note.dataset.fades = "";
  note.textContent = text;
  one("#notices").replaceChildren(note);
  fade(note);
};

document.documentElement.classList.add("scripted");

// Clocks: seconds left were measured by the server; performance.now() is not fooled by a wrong wall clock.

const seenAt = new WeakMap();

const duration = (seconds, preciseBelow = 120) => {
  const minutes = Math.floor(seconds / 60);
  const two = (n) => String(n).padStart(2, "0");
  if (seconds >= 86400) return `${Math.floor(seconds / 86400)} ${words.days} ${Math.floor((seconds % 86400) / 3600)} ${words.hours}`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} ${words.hours} ${two(minutes % 60)}`;
  if (seconds >= preciseBelow) return `${minutes} ${words.minutes}`;
  return `${minutes}:${two(seconds % 60)}`;
};

const clockWords = (state, left) => {
  if (state === "over") return words.since.replace("{}", duration(Math.max(0, -left), 60));
  const rest = duration(Math.max(0, left));
  return state === "warn" ? words.left.replace("{}", rest) : rest;
};

const tick = () => {
  const now = performance.now();
  for (const chip of all("[data-left]")) {
    if (!seenAt.has(chip)) seenAt.set(chip, now);
    const left = Number(chip.dataset.left) - Math.floor((now - seenAt.get(chip)) / 1000);
    const text = clockWords(chip.dataset.state, left);
    if (chip.textContent !== text) chip.textContent = text;
  }
};

// Notices go after twelve seconds, but not while somebody reads or uses them.

const fade = (note) =>
  setTimeout(() => (note.matches(":hover, :focus-within") ? fade(note) : note.remove()), 12000);

// Drafts: what is typed stays in this tab until it was sent.

const draftKey = (form) => `draft:${form.dataset.draft}`;
const isNote = (form) => Boolean(one('[name="public"][value="0"]:checked', form));
let sending = null;

const saveDraft = (form) => {
  const text = one("textarea", form).value;
  if (text.trim()) sessionStorage.setItem(draftKey(form), JSON.stringify({ text, note: isNote(form) }));
  else sessionStorage.removeItem(draftKey(form));
};

const restoreDraft = (form) => {
  const kept = sessionStorage.getItem(draftKey(form));
  const field = one("textarea", form);
  if (!kept || field.value.trim()) return;
  const draft = JSON.parse(kept);
  field.value = draft.text;
  chooseKind(form, draft.note);
  say(words.draft);
};

const chooseKind = (form, note) => {
  const radio = one(`[name="public"][value="${note ? 0 : 1}"]`, form);
  if (radio) radio.checked = true;
};

// The open ticket: focus, selection, place in the timeline.

const markSelected = () => {
  const number = openTicket()?.dataset.number;
  for (const link of all(".row .subject")) {
    const selected = link.closest(".row").id === `row-${number}`;
    selected ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    if (selected) link.closest(".row").classList.remove("unread");
  }
};

const showNewest = () => {
  const timeline = one("#timeline");
  if (!timeline) return;
  const unread = one("[data-first-unread]", timeline);
  timeline.scrollTop = unread ? unread.offsetTop - timeline.offsetTop - 8 : timeline.scrollHeight;
};

const arrived = () => {
  const form = one("#composer");
  if (form && sending === form.dataset.draft && !one(".error, .conflict", form)) sessionStorage.removeItem(draftKey(form));
  sending = null;
  if (form) restoreDraft(form);
  all("[data-fades]").forEach(fade);
  markSelected();
  showNewest();
  tick();
};

document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx.target?.id !== "ticket") return;
  arrived();
  one("#ticket-title")?.focus();
});

// An answer that is no ticket (a proxy's error page, the database is away) must not wipe out what was typed, and whoever acts and writes on at
// once is not interrupted: only what is around the composer is exchanged.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (ctx.target?.id !== "ticket") return;
  if (ctx.text.includes('id="ticket"') && (!sending || ctx.text.includes('id="composer"'))) {
    if (document.activeElement?.id !== "text" || sending) return;
    const fresh = asPage(ctx.text);
    if (one("#ticket", fresh).dataset.number !== openTicket()?.dataset.number) return;
    event.preventDefault();
    all("#ticket-head details[open]").forEach((menu) => (menu.open = false));
    exchange(fresh);
    one("#notices").replaceChildren(...all(".notice", fresh).map((note) => document.adoptNode(note)));
    return all("[data-fades]").forEach(fade);
  }
  event.preventDefault();
  sending = null;
  say(words.not_sent);
});
document.addEventListener("htmx:error", () => say(words.not_sent));

// Live: the server says which tickets changed; we fetch what we show of them.

const asPartial = async (address) => {
  const answer = await fetch(address, { headers: { "HX-Request": "true", "HX-Request-Type": "partial" } });
  if (!answer.ok) throw new Error(String(answer.status));
  return asPage(await answer.text());
};

const asPage = (text) => new DOMParser().parseFromString(text, "text/html");

const replace = (fresh, selector) => {
  const [old, now] = [one(selector), one(selector, fresh)];
  if (!old || !now || one("details[open]", old) || old.matches(":popover-open")) return;
  const held = old.contains(document.activeElement) && document.activeElement.id;
  old.replaceWith(document.adoptNode(now));
  htmx.process(now);
  if (held) document.getElementById(held)?.focus({ preventScroll: true }); // news must not take the focus away
};

// New rows never push what is being read: they wait behind a button.
const isReading = () =>
  one(".list-body").scrollTop > 0 || one("#list").contains(document.activeElement) || Boolean(one(".pick input:checked"));

const refreshList = async () => {
  const fresh = await asPartial(one("#list").dataset.href);
  replace(fresh, "#views");
  if (!isReading()) {
    replace(fresh, "#list");
  } else {
    patchRows(fresh);
  }
  markSelected();
  tick();
};

const patchRows = (fresh) => {
  const rows = new Map(all(".row", fresh).map((row) => [row.id, row]));
  for (const row of all(".rows .row")) {
    const now = rows.get(row.id);
    rows.delete(row.id);
    row.classList.toggle("gone", !now);
    if (now && !row.contains(document.activeElement)) one(".signs", row).replaceWith(one(".signs", now));
  }
  const button = one("#new-rows");
  button.hidden = rows.size === 0;
  button.textContent = rows.size === 1 ? words.one_new : words.many_new.replace("{}", rows.size);
};

const showNewRows = async () => {
  replace(await asPartial(one("#list").dataset.href), "#list");
  markSelected();
  one(".row .subject")?.focus();
};

const refreshTicket = async () => {
  const ticket = openTicket();
  const fresh = await asPartial(ticket.dataset.href);
  if (openTicket()?.dataset.number !== ticket.dataset.number) return;
  const before = all(".message").length;
  exchange(fresh);
  if (all(".message").length > before) say(words.changed);
};

// Everything of the open ticket but what is being typed; the place in the timeline stays.
const exchange = (fresh) => {
  const timeline = one("#timeline");
  const top = timeline.scrollTop;
  const atEnd = timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 40;
  ["#ticket-head", "#presence", "#timeline", "#context"].forEach((part) => replace(fresh, part));
  one("#timeline").scrollTop = atEnd ? one("#timeline").scrollHeight : top;
  const [form, newForm] = [one("#composer"), one("#composer", fresh)];
  if (form && newForm && !one("textarea", form).value.trim()) form.elements.seen.value = newForm.elements.seen.value;
  tick();
};

// The first change is shown at once, a burst at most once a second.
const bundled = (refresh) => {
  let waiting = false;
  let again = false;
  return async function run() {
    if (waiting) return void (again = true);
    waiting = true;
    await refresh().catch(() => undefined);
    setTimeout(() => {
      waiting = false;
      if (again) run();
      again = false;
    }, 1000);
  };
};

const listSoon = bundled(refreshList);
const ticketSoon = bundled(refreshTicket);

const changed = (numbers) => {
  if (one("#list")) listSoon();
  const open = openTicket()?.dataset.number;
  if (open && (!numbers || numbers.includes(open))) ticketSoon();
};

const offline = { since: null, timer: null, attempt: 0, cursor: "" };

const lost = () => {
  offline.since ??= new Date();
  offline.timer ??= setTimeout(() => {
    const banner = one("#offline");
    banner.textContent = words.offline.replace("{}", offline.since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    banner.hidden = false;
  }, 5000);
};

const found = () => {
  if (offline.since) changed(null);
  clearTimeout(offline.timer);
  Object.assign(offline, { since: null, timer: null, attempt: 0 });
  one("#offline").hidden = true;
};

const listen = () => {
  const address = new URL(body.dataset.live, location.href);
  if (offline.cursor) address.searchParams.set("after", offline.cursor);
  const stream = new EventSource(address);
  stream.addEventListener("open", found);
  stream.addEventListener("changed", (event) => {
    offline.cursor = event.lastEventId;
    changed(JSON.parse(event.data).tickets);
  });
  stream.addEventListener("error", () => {
    lost();
    if (stream.readyState !== EventSource.CLOSED) return;
    const wait = Math.min(30, 2 ** offline.attempt++) * (0.7 + Math.random() * 0.6);
    setTimeout(listen, wait * 1000);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
};

// Selecting several.

const ticked = () => all(".pick input");
const countTicked = () => {
  const count = ticked().filter((box) => box.checked).length;
  const label = one("#ticked");
  if (label) label.textContent = words.ticked.replace("{}", count);
};
const untick = () => {
  ticked().forEach((box) => (box.checked = false));
  if (one("#pick-all")) one("#pick-all").checked = false;
};

// Keys. Single keys only outside fields, and only while they are switched on.

const menu = (id) => {
  const details = one(id);
  if (!details) return;
  details.open = true;
  one("button, select, input:not([type=hidden])", one(".panel", details))?.focus();
};

const compose = (note) => {
  const form = one("#composer");
  if (!form) return;
  chooseKind(form, note);
  one("textarea", form).focus();
};

const move = (step) => {
  const links = all(".row .subject");
  const here = document.activeElement.closest?.(".row") ?? one(".row:has([aria-current])");
  const at = links.findIndex((link) => link.closest(".row") === here);
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
};

const back = () => {
  const open = one("details.menu[open]");
  if (open) {
    open.open = false;
    return one("summary", open).focus();
  }
  if (ticked().some((box) => box.checked)) return untick();
  return one(".row [aria-current]")?.focus();
};

const keys = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: () => document.activeElement.closest?.(".row") && move(1),
  ArrowUp: () => document.activeElement.closest?.(".row") && move(-1),
  x: () => one(".pick input", document.activeElement.closest?.(".row") ?? body)?.click(),
  r: () => compose(false),
  n: () => compose(true),
  z: () => menu("#assign-menu"),
  Z: () => one("#assign-menu .choices button")?.click(),
  s: () => menu("#status-menu"),
  p: () => menu("#severity-menu"),
  1: () => one(".views [aria-current], .views a")?.focus(),
  2: () => one(".list-body")?.focus(),
  3: () => one("#ticket-title")?.focus(),
  4: () => one("#context")?.focus(),
  "?": () => one("#keys").showModal(),
};
let goPressedAt = 0;

const isTyping = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");

const onKey = (event) => {
  if (event.getModifierState("AltGraph") || event.altKey || event.isComposing) return;
  if (event.ctrlKey || event.metaKey) return withControl(event);
  if (event.key === "Escape" && !one(":popover-open, dialog[open]")) return void back();
  if (event.key === "Enter" && event.target.matches('[type="radio"]')) return event.preventDefault();
  if (body.dataset.shortcuts !== "on" || isTyping(event.target)) return;
  single(event);
};

const withControl = (event) => {
  const form = event.target.closest("#composer");
  if (event.key === "k" && one("#search")) {
    event.preventDefault();
    one("#search").select();
  } else if (event.key === "Enter" && form) {
    event.preventDefault();
    form.requestSubmit(one(isNote(form) ? "button.only-note" : ".send > button", form));
  }
};

const single = (event) => {
  if (event.key === "g") return void (goPressedAt = event.timeStamp);
  if (event.key === "e" && event.timeStamp - goPressedAt < 1500) return location.assign("/console");
  const act = keys[event.key];
  if (!act) return;
  if (!event.key.startsWith("Arrow") || event.target.closest(".row")) event.preventDefault();
  act();
};

// Wiring.

document.addEventListener("keydown", onKey);
document.addEventListener("click", (event) => {
  for (const open of all("details.menu[open]")) if (!open.contains(event.target)) open.open = false;
  const opener = event.target.closest("[data-opens]");
  if (opener) one(`#${opener.dataset.opens}`).showModal();
  if (event.target.closest("#new-rows")) showNewRows();
});
document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-draft]");
  if (form) saveDraft(form);
});
document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.matches("[data-submits]")) field.form.requestSubmit();
  if (field.matches("#pick-all")) ticked().forEach((box) => (box.checked = field.checked));
  if (field.matches("#pick-all, .pick input")) countTicked();
  if (field.matches("#files")) one("#file-names").textContent = [...field.files].map((file) => file.name).join(", ");
});
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-draft]")) sending = event.target.dataset.draft;
});
document.addEventListener("reset", () => setTimeout(untick));

arrived();
setInterval(tick, 1000);
if (body.dataset.live) listen();
