// The demo page: draws what `/demo/events` tells, and sends what is typed. It keeps nothing of its own.

const phones = document.querySelector("#phones");
const template = document.querySelector("#phone");
const announce = document.querySelector("#announce");
const line = document.querySelector("#line");
const RING_MS = 5000;

let state = null;
let clockAhead = 0; // demo time minus this computer's time, in ms
const seen = new Map(); // phone number -> ids of the texts already on its screen

const source = new EventSource("/demo/events");
source.addEventListener("state", (event) => {
  line.textContent = "";
  draw(JSON.parse(event.data));
});
source.addEventListener("error", () => {
  line.textContent = "The connection to the desk is lost. Trying again…";
});

function draw(next) {
  if (!next.phones) return;
  const first = state === null;
  state = next;
  clockAhead = new Date(state.now) - Date.now();
  if (first) phones.replaceChildren();
  for (const phone of state.phones) drawPhone(phone, first);
  drawClock();
}

// --- clock -----------------------------------------------------------------------------------------

function inClinic(options, moment) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: state.time_zone, ...options }).format(moment);
}

const clockTime = (moment) => inClinic({ hour: "2-digit", minute: "2-digit" }, moment);
const dayOf = (moment) => inClinic({ weekday: "short", day: "numeric", month: "short" }, moment);

function drawClock() {
  if (!state) return;
  const now = new Date(Date.now() + clockAhead);
  document.querySelector("#weekday").textContent = dayOf(now);
  document.querySelector("#now").textContent = clockTime(now);
  document.querySelector("#now").dateTime = now.toISOString();
  document.querySelector("#zone").textContent = `Demo time at ${state.clinic}`;
  const due = state.next_check_in;
  const at = due && new Date(due.due_at);
  document.querySelector("#due").textContent = due
    ? `Next check-in: ${due.who}, day ${due.day}, ${dayOf(at)} ${clockTime(at)}`
    : "No check-in is planned";
  document.querySelector('[data-step="next-check-in"]').disabled = !due;
}
setInterval(drawClock, 5000);

for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => post("/demo/clock", { step: button.dataset.step }, line));
}
for (const button of document.querySelectorAll("[data-fault]")) {
  button.addEventListener("click", async () => {
    if (await post("/demo/faults", { kind: button.dataset.fault }, line)) {
      line.textContent = `Set: the next text from the clinic is ${button.textContent}.`;
      button.closest("details").open = false;
    }
  });
}

// --- phones ----------------------------------------------------------------------------------------

function phoneElement(phone) {
  const known = phones.querySelector(`[data-number="${CSS.escape(phone.number)}"]`);
  if (known) return known;
  const element = template.content.firstElementChild.cloneNode(true);
  element.dataset.number = phone.number;
  element.classList.add(phone.role);
  element.setAttribute("aria-label", `Phone of ${phone.owner}`);
  element.querySelector("h2").textContent = phone.owner;
  element.querySelector(".detail").textContent = `${phone.detail}\n${phone.number}`;
  element.querySelector(".screen").setAttribute("aria-label", `Texts of ${phone.owner}`);
  element.querySelector(".chips").setAttribute("aria-label", `Suggestions for ${phone.owner}`);
  const input = element.querySelector('input[type="text"]');
  input.setAttribute("aria-label", `Text as ${phone.owner}`);
  input.lang = phone.language;
  element.querySelector(".send").setAttribute("aria-label", `Send as ${phone.owner}`);
  const photo = element.querySelector(".photo");
  photo.setAttribute("aria-label", `Attach a demo photo for ${phone.owner}`);
  photo.addEventListener("click", () => photo.setAttribute("aria-pressed", photo.ariaPressed !== "true"));
  const file = element.querySelector(".file input");
  file.setAttribute("aria-label", `Send a file of this computer as ${phone.owner}`);
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (chosen) await post(`${url(phone.number)}/photo`, chosen, element.querySelector(".problem"));
    file.value = ""; // so that the same file can be chosen again
  });
  const power = element.querySelector(".power input");
  power.setAttribute("aria-label", `Phone of ${phone.owner} is on`);
  power.addEventListener("change", () =>
    post(`${url(phone.number)}/power`, { on: power.checked }, element.querySelector(".problem")),
  );
  element.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const withPhoto = photo.ariaPressed === "true";
    if (!input.value.trim() && !withPhoto) return;
    if (await sendText(element, input.value, withPhoto)) {
      input.value = "";
      photo.setAttribute("aria-pressed", "false");
    }
  });
  element.querySelector(".call").addEventListener("keydown", (event) => typedKey(element, event));
  phones.append(element);
  return element;
}

function drawPhone(phone, first) {
  const element = phoneElement(phone);
  element.classList.toggle("off", !phone.on);
  element.classList.toggle("paged", Boolean(phone.ack_code));
  element.querySelector(".power input").checked = phone.on;
  element.querySelector(".power span").textContent = phone.on ? "On" : "Off";
  const controls = element.querySelectorAll("form input, form button, .chips button");
  for (const control of controls) control.disabled = !phone.on;
  const input = element.querySelector('input[type="text"]');
  const offered = element.dataset.offered;
  if (offered && input.value === offered && offered !== `ACK ${phone.ack_code}`) input.value = ""; // taken meanwhile
  drawCall(element, phone);
  drawScreen(element, phone, first);
  drawChips(element, phone);
}

// --- calls -----------------------------------------------------------------------------------------

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

function drawCall(element, phone) {
  const panel = element.querySelector(".call");
  const call = phone.call;
  const shown = call ? `${call.id} ${call.ringing} ${call.listening}` : "";
  const said = panel.querySelector(".said");
  if (call && said.textContent !== call.said) {
    said.textContent = call.said;
    said.lang = call.language;
  }
  if (panel.dataset.shown === shown) return;
  const hadFocus = panel.contains(document.activeElement);
  panel.dataset.shown = shown;
  panel.hidden = !call;
  panel.setAttribute("aria-label", `Call on the phone of ${phone.owner}`);
  element.classList.toggle("called", Boolean(call?.ringing));
  if (!call) return;
  panel.querySelector(".who").textContent = call.ringing ? "Incoming call: Afterglow" : "Call with Afterglow";
  if (call.ringing) announce.textContent = `The phone of ${phone.owner} is ringing: a call.`;
  const keys = panel.querySelector(".keys");
  keys.replaceChildren(
    ...(call.ringing
      ? [
          callButton(element, "Answer", { do: "answer" }, "take"),
          callButton(element, "Decline", { do: "hang-up" }, "end"),
          callButton(element, "Voicemail takes it", { do: "voicemail" }),
        ]
      : [
          ...(call.listening ? KEYS.map((key) => callButton(element, key, { do: "key", key }, "key")) : []),
          callButton(element, "Hang up", { do: "hang-up" }, "end"),
        ]),
  );
  if (hadFocus) keys.querySelector("button").focus();
}

function callButton(element, words, handling, className = "") {
  const button = make("button", className, words);
  button.type = "button";
  if (className === "key") button.setAttribute("aria-label", `Key ${words}`);
  button.addEventListener("click", () => handleCall(element, handling));
  return button;
}

function handleCall(element, handling) {
  return post(`${url(element.dataset.number)}/call`, handling, element.querySelector(".problem"));
}

/** Digits typed anywhere in the call press its keys. */
function typedKey(element, event) {
  const panel = element.querySelector(".call");
  if (!panel.querySelector(".key") || !KEYS.includes(event.key)) return;
  event.preventDefault();
  handleCall(element, { do: "key", key: event.key });
}

function drawScreen(element, phone, first) {
  const screen = element.querySelector(".screen");
  const atEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < 60;
  const known = seen.get(phone.number) || new Set();
  const fresh = phone.texts.filter((text) => text.state === "delivered" && !known.has(text.id));
  let day = "";
  const drawn = [];
  for (const text of phone.texts) {
    const at = new Date(text.at);
    if (dayOf(at) !== day) drawn.push(make("p", "day", (day = dayOf(at))));
    drawn.push(textElement(text, at));
  }
  const none = phone.role === "staff" ? "No pages. Quiet is good." : "No messages yet.";
  if (!drawn.length) drawn.push(make("p", "none", none));
  screen.replaceChildren(...drawn);
  if (atEnd || fresh.length) screen.scrollTop = screen.scrollHeight;
  seen.set(phone.number, new Set([...known, ...fresh.map((text) => text.id)]));
  if (first) return;
  for (const text of fresh.filter((one) => !one.mine)) {
    if (text.page) ring(element, phone, text);
    else announce.textContent = `${phone.owner}: ${text.body}`;
  }
}

function textElement(text, at) {
  const element = make("div", "text");
  element.classList.toggle("mine", text.mine);
  element.classList.toggle("page", text.page);
  element.classList.toggle("failed", text.state === "not delivered");
  const bubble = make("div", "bubble");
  if (text.photos) bubble.append(make("div", "pictured", "Photo"));
  bubble.append(...linked(text.body));
  const facts = make("div", "facts");
  const ticks = { sent: "✓", delivered: "✓✓", "not delivered": "✕" }[text.state] || "…";
  const tick = make("span", "tick", ticks);
  tick.setAttribute("aria-hidden", "true");
  const size = text.photos ? "MMS" : `${text.segments} SMS ${text.encoding}`;
  const state = text.error_code ? `${text.state} (${text.error_code})` : text.state;
  facts.append(`${clockTime(at)} · `, tick, make("span", "state", state), ` · ${size}`);
  element.append(bubble, facts);
  return element;
}

function ring(element, phone, text) {
  announce.textContent = `The phone of ${phone.owner} is ringing. ${text.body}`;
  element.classList.remove("ringing");
  requestAnimationFrame(() => element.classList.add("ringing"));
  clearTimeout(element.ringTimer);
  element.ringTimer = setTimeout(() => element.classList.remove("ringing"), RING_MS);
  const input = element.querySelector('input[type="text"]');
  if (!input.value && phone.ack_code) input.value = element.dataset.offered = `ACK ${phone.ack_code}`;
}

function drawChips(element, phone) {
  const chips = element.querySelector(".chips");
  const wanted = [...(phone.ack_code ? [`ACK ${phone.ack_code}`] : []), ...phone.suggestions];
  if (chips.dataset.shown === JSON.stringify([wanted, phone.on])) return;
  chips.dataset.shown = JSON.stringify([wanted, phone.on]);
  chips.replaceChildren(
    ...wanted.map((words) => {
      const chip = make("button", words.startsWith("ACK") ? "ack" : "", words);
      chip.type = "button";
      chip.lang = phone.language;
      chip.disabled = !phone.on;
      chip.addEventListener("click", async () => {
        const input = element.querySelector('input[type="text"]');
        if ((await sendText(element, words, false)) && input.value === words) input.value = "";
        input.focus();
      });
      return chip;
    }),
  );
}

// --- talking to the desk ---------------------------------------------------------------------------

const url = (number) => `/demo/phones/${encodeURIComponent(number)}`;

function sendText(element, body, photo) {
  element.classList.remove("ringing");
  return post(`${url(element.dataset.number)}/texts`, { body, photo }, element.querySelector(".problem"));
}

/** Posts `body`, an object or a file; false, with the reason written into `problem`, when it was not taken. */
async function post(address, body, problem) {
  problem.textContent = "";
  try {
    const isFile = body instanceof File;
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": isFile ? body.type || "application/octet-stream" : "application/json" },
      body: isFile ? body : JSON.stringify(body),
    });
    if (response.ok) return true;
    const answer = await response.json().catch(() => ({}));
    problem.textContent = typeof answer.detail === "string" ? answer.detail : `It did not work (${response.status}).`;
  } catch {
    problem.textContent = "The desk cannot be reached. Your text is still here.";
  }
  return false;
}

/** `text` with web addresses made clickable. */
function linked(text) {
  return text.split(/(https?:\/\/\S*[^\s.,;:!?)])/).map((part, place) => {
    if (place % 2 === 0) return part;
    const link = make("a", "", part);
    link.href = part;
    link.target = "_blank";
    return link;
  });
}

function make(name, className, text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
