// The console's live parts: counters, the alert queue, an open alert, the state of the system.
// Everything works without it; it only keeps what is shown up to date.

const body = document.body;
let ahead = Number(body.dataset.now) * 1000 - Date.now(); // the server's clock may have been moved

const now = () => Date.now() + ahead;

function span(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const words = (name, n) => body.dataset[name].replace("#", n);
  if (seconds < 60) return words("seconds", seconds);
  if (seconds < 3600) return words("minutes", Math.floor(seconds / 60));
  if (seconds < 48 * 3600) return words("hours", Math.floor(seconds / 3600));
  return words("days", Math.floor(seconds / 86400));
}

function countdown(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-until]")) {
    const left = Date.parse(time.dateTime) - now();
    write(time, countdown(left));
    time.classList.toggle("soon", left < 60_000);
  }
  for (const time of document.querySelectorAll("time[data-due]")) {
    const left = Date.parse(time.dateTime) - now();
    const said = left > 0 ? time.dataset.left.replace("#", countdown(left)) : time.dataset.late.replace("#", span(left));
    write(time, said);
    time.classList.toggle("late", left <= 0);
  }
  for (const time of document.querySelectorAll("time[data-age]")) {
    const age = now() - Date.parse(time.dateTime);
    if (age >= 5000) write(time, body.dataset.ago.replace("#", span(age)));
  }
}

// What a piece of the page says, without the counters that move by themselves.
function content(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) time.textContent = "";
  for (const time of copy.querySelectorAll("time.soon, time.late")) time.removeAttribute("class");
  return copy.innerHTML.replace(/ class=""/g, "").replace(/\s+/g, " ");
}

// Bring `old` to what `fresh` shows. Keyed children that did not change are left alone, so that focus,
// selection and a screen reader's place stay where they are.
function update(old, fresh) {
  const list = old.querySelector(":scope > ol, :scope > ul");
  const freshList = fresh.querySelector(":scope > ol, :scope > ul");
  if (!list || !freshList) {
    if (content(old) !== content(fresh)) keepingFocus(() => old.replaceChildren(...fresh.childNodes));
    return;
  }
  const before = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const after = [...freshList.children].map((child) => {
    const known = before.get(child.dataset.key);
    return known && known.className === child.className && content(known) === content(child) ? known : child;
  });
  const same = after.length === list.children.length && after.every((child, i) => child === list.children[i]);
  if (!same) keepingFocus(() => place(list, after));
}

// Puts `after` into `list` in order without moving children that stand right already.
function place(list, after) {
  const stay = new Set(after);
  for (const child of [...list.children]) if (!stay.has(child)) child.remove();
  after.forEach((child, i) => {
    if (list.children[i] !== child) list.insertBefore(child, list.children[i] ?? null);
  });
}

function keepingFocus(change) {
  const id = document.activeElement?.id;
  change();
  if (id && document.activeElement?.id !== id) {
    document.getElementById(id)?.focus({ preventScroll: true });
  }
}

async function fetched(address) {
  const response = await fetch(address, { headers: { accept: "text/html" } });
  if (response.redirected || !response.ok) throw new Error(`HTTP ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

async function refresh() {
  for (const region of document.querySelectorAll("[data-live]")) {
    const page = await fetched(region.dataset.live);
    const picked = region.dataset.pick ? page.querySelector(region.dataset.pick)?.parentElement : page.body;
    if (picked) update(region, picked);
  }
  const parts = document.querySelector("[data-parts]");
  if (parts) {
    const page = await fetched(parts.dataset.parts);
    for (const part of page.querySelectorAll("[data-part]")) {
      const mine = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (mine) update(mine, part);
    }
    // Once somebody else has taken or closed it, the buttons here are no longer right.
    const state = page.querySelector("[data-state]")?.dataset.state;
    // The address may be that of a form, which nobody can open.
    const home = parts.dataset.parts.replace(/\/live$/, "");
    if (state && state !== parts.dataset.state && !leaving && !typing()) location.replace(home);
  }
  tick();
}

// A text that the server has put there, such as a ready-made reply, is the writer's too.
const unsent = (field) => field.value !== (field.dataset.look ? "" : field.defaultValue);
const typing = () => [...document.querySelectorAll("textarea")].some(unsent);

// Our own form is on its way: its answer is the next page, and a reload now would drop it.
let leaving = false;
addEventListener("submit", () => (leaving = true));

const title = document.title;
let known = null;
let refreshing = Promise.resolve();

function heard(pulse) {
  ahead = pulse.now * 1000 - Date.now();
  for (const count of document.querySelectorAll("[data-count]")) {
    write(count, String(pulse[count.dataset.count]));
    count.hidden = !pulse[count.dataset.count];
  }
  document.title = pulse.open ? `(${pulse.open}) ${title}` : title;
  const keys = pulse.items.map((item) => `${item.id} ${item.tier}`);
  if (known) {
    const fresh = pulse.items.filter((_item, i) => !known.has(keys[i]));
    if (fresh.length) {
      document.getElementById("announce").textContent = fresh.map((item) => item.say).join(". ");
    }
  }
  known = new Set(keys);
  refreshing = refreshing.then(refresh).catch(() => lost(true));
}

function lost(is) {
  document.getElementById("offline").hidden = !is;
}

const live = new EventSource("/console/live");
live.addEventListener("pulse", (event) => {
  lost(false);
  heard(JSON.parse(event.data));
});
live.addEventListener("signed_out", () => {
  live.close();
  location.assign(`/console/sign-in?next=${encodeURIComponent(location.pathname)}`);
});
live.addEventListener("error", () => lost(true));

// Which part of the system each warning is about; a part that /readyz does not name is not judged.
const WARNINGS = { server: ["database"], carrier: ["carrier", "sweeper"], dialogue: ["dialogue"] };

async function health() {
  const strip = document.getElementById("health");
  let down = ["server"];
  try {
    const { parts } = await (await fetch("/readyz", { headers: { accept: "application/json" } })).json();
    const notReady = (part) => part in parts && parts[part] !== "ok";
    down = Object.keys(WARNINGS).filter((name) => WARNINGS[name].some(notReady));
  } catch {
    // no answer, or not one we can read: the warning about the server stands
  }
  const texts = down.map((name) => strip.dataset[name]);
  if ([...strip.children].map((line) => line.textContent).join() !== texts.join()) {
    strip.replaceChildren(...texts.map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  }
}

// A button that copies a text of ours. It is there only where the browser lets a page write to the clipboard,
// and it takes nothing but plain text: signed out, the answer would be the sign-in page.
async function copied(address) {
  const response = await fetch(address);
  const plain = response.headers.get("content-type")?.startsWith("text/plain");
  if (response.redirected || !response.ok || !plain) throw new Error(`HTTP ${response.status}`);
  await navigator.clipboard.writeText(await response.text());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const said = await copied(button.dataset.copy).then(() => "copied", () => "failed");
    document.getElementById("copied").textContent = button.dataset[said];
  });
}

// Texts to approve: tick every one that the page shows.
for (const button of document.querySelectorAll("[data-tick-all]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const box of button.form.querySelectorAll("input[type=checkbox]")) box.checked = true;
  });
}

tick();
setInterval(tick, 1000);
health();
setInterval(health, 20_000);
document.querySelector("[data-focus]")?.focus();

// The menu of further sections closes when the work goes on elsewhere, and on Escape gives the focus back.
const more = document.getElementById("more");
if (more) {
  document.addEventListener("pointerdown", (event) => { if (!more.contains(event.target)) more.open = false; });
  more.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !more.contains(event.relatedTarget)) more.open = false;
  });
  more.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !more.open) return;
    more.open = false;
    more.querySelector("summary").focus();
  });
}
