// <afterglow-chat clinic="KEY" lang="en">: a clinic's chat on the clinic's own site.
//
//   <script type="module" src="https://DESK/widget.js"></script>
//   <afterglow-chat clinic="KEY"></afterglow-chat>
//
// Language: the element's `lang`, else the page's; Spanish or English. Colours: see widget/style.js.

import { Connection } from "./widget/connection.js";
import { sheet } from "./widget/style.js";
import { wordsFor } from "./widget/texts.js";

const BASE = new URL(".", import.meta.url).href.replace(/\/$/, "");
const UNREACHABLE_AFTER_MS = 8000;
const STORED_NOTE_AFTER_MS = 6000;
const ONE_ANSWER_MS = 30000; // what the desk says within this time is read as one answer
const SVG = {
  chat: "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-5 4.5V16A2.3 2.3 0 0 1 4 13.5z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h13M12 5l7 7-7 7",
  photo: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 0 0 0-6.4z",
};
// What one taps in an answer: an address, or a telephone number in international form.
const LINKS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]|\+\d[\d ()-]{6,}\d)/g;

class AfterglowChat extends HTMLElement {
  connectedCallback() {
    const tag = this.getAttribute("lang") || document.documentElement.lang;
    this.words = wordsFor(tag);
    if (!this.shadowRoot) this.attachShadow({ mode: "open" });
    this.shadowRoot.adoptedStyleSheets = [sheet];
    this.isOpen = false;
    this.#build();
    this.#connect();
    this.onVisible = () => this.#render();
    document.addEventListener("visibilitychange", this.onVisible);
    if (this.connection.wasOpen) this.#show();
    else if (this.connection.known) this.connection.start();
  }

  disconnectedCallback() {
    this.connection?.close();
    clearTimeout(this.storedTimer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  /** Opens the dialog and puts the cursor into the message box. */
  open() {
    this.#show();
    this.box.focus();
  }

  /** Closes the dialog and gives the focus back to the button that opened it. */
  close() {
    this.isOpen = false;
    this.connection.wasOpen = false;
    this.panel.hidden = true;
    this.launcher.hidden = false;
    this.#render();
    this.launcher.focus();
  }

  // --- building ----------------------------------------------------------------------------------

  #build() {
    const words = this.words;
    this.badge = make("span", { className: "badge", hidden: true });
    this.badge.setAttribute("aria-hidden", "true");
    this.launcherText = make("span", { textContent: words.open });
    this.launcher = make("button", { type: "button", className: "launcher" }, [
      icon("chat"),
      this.launcherText,
      this.badge,
    ]);
    this.launcher.setAttribute("aria-haspopup", "dialog");
    this.launcher.addEventListener("click", () => this.open());

    this.heading = make("h2", { id: "title", textContent: words.title("") });
    const close = make("button", { type: "button", className: "close", ariaLabel: words.close }, [icon("close")]);
    close.addEventListener("click", () => this.close());
    const head = make("div", {}, [this.heading, make("p", { textContent: words.subtitle })]);

    this.notice = make("div", { className: "notice" });
    this.log = make("div", { className: "log", role: "log", ariaLabel: words.log, ariaLive: "polite" });
    this.dots = make("div", { className: "dots", hidden: true }, [make("i"), make("i"), make("i")]);
    this.dots.append(make("span", { className: "hidden", textContent: words.answering }));
    this.replies = make("div", { className: "replies", role: "group", ariaLabel: words.replies, hidden: true });
    this.scroller = make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: words.log }, [
      this.notice,
      this.log,
      this.dots,
      this.replies,
    ]);
    this.status = make("div", { className: "status", role: "status" });

    this.box = make("textarea", { id: "box", rows: 1, placeholder: words.placeholder, enterKeyHint: "send" });
    this.box.setAttribute("aria-describedby", "problem");
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
    });
    this.box.addEventListener("input", () => this.#fit());
    this.problem = make("div", { id: "problem", className: "status problem", role: "alert" });
    const label = make("label", { className: "hidden", textContent: words.input, htmlFor: "box" });
    const send = make("button", { className: "send", ariaLabel: words.send }, [icon("send")]);
    this.file = make("input", { type: "file", accept: "image/*", multiple: true, hidden: true });
    this.file.addEventListener("change", () => this.#sendPhotos());
    const photo = make("button", { type: "button", className: "photo", ariaLabel: words.sendPhoto }, [icon("photo")]);
    photo.addEventListener("click", () => this.file.click());
    const form = make("form", { noValidate: true }, [photo, this.file, label, this.box, send]);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.forgetButton = make("button", { type: "button", className: "forget", textContent: words.forget });
    this.forgetButton.addEventListener("click", () => this.#forget());

    this.panel = make("section", { className: "panel", role: "dialog", lang: words.language, hidden: true }, [
      make("div", { className: "head" }, [head, close]),
      this.scroller,
      this.status,
      this.problem,
      form,
      make("div", { className: "foot" }, [this.forgetButton]),
    ]);
    this.panel.setAttribute("aria-labelledby", "title");
    this.panel.tabIndex = -1;
    this.panel.addEventListener("keydown", (event) => this.#keys(event));
    this.announcer = make("div", { className: "hidden", ariaLive: "assertive", lang: words.language });
    this.shadowRoot.replaceChildren(this.launcher, this.panel, this.announcer);
  }

  #connect() {
    this.elements = new Map();
    this.connection = new Connection(BASE, this.getAttribute("clinic") || "", this.words.language);
    this.connection.addEventListener("change", () => this.#render());
    this.connection.addEventListener("problem", (event) => this.#explain(event.detail));
    this.#render();
  }

  // --- acting ------------------------------------------------------------------------------------

  /** Shows the dialog. The focus stays where somebody may be typing, unless the dialog covers that place. */
  #show() {
    const covered = this.shadowRoot.activeElement === this.launcher;
    this.isOpen = true;
    this.connection.wasOpen = true;
    this.launcher.hidden = true;
    this.panel.hidden = false;
    this.connection.start();
    const unseen = this.connection.unseenMessages;
    this.#render();
    this.#place(unseen.length ? (unseen.findLast(isSafety) ?? unseen[0]) : this.#answerStart());
    if (covered || this.panel.offsetWidth >= innerWidth) this.panel.focus({ preventScroll: true });
  }

  #submit() {
    const text = this.box.value;
    if (!text.trim()) return;
    if ([...text].length > this.connection.textLimit) {
      this.#explain({ code: "too_long" });
      return;
    }
    this.#explain({ code: "" });
    this.box.value = "";
    this.#fit();
    this.connection.send(text);
    this.#place(null);
  }

  async #sendPhotos() {
    const files = [...this.file.files];
    this.file.value = ""; // so that the same photo can be chosen again
    this.#explain({ code: "" });
    for (const file of files) {
      const sent = this.connection.sendPhoto(file);
      this.#place(null);
      await sent;
    }
  }

  #forget() {
    this.connection.forget();
    this.log.replaceChildren();
    this.#connect();
    this.connection.start();
    this.#explain({ code: "forgotten" });
    this.box.focus();
  }

  #keys(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Tab" && this.panel.offsetWidth >= innerWidth) {
      // Full screen: the page behind is covered, so the focus stays in here.
      const all = [...this.panel.querySelectorAll("button, textarea, a, [tabindex]")].filter(
        (element) => element.offsetParent !== null,
      );
      const edge = event.shiftKey ? all[0] : all.at(-1);
      if (this.shadowRoot.activeElement === edge) {
        event.preventDefault();
        (event.shiftKey ? all.at(-1) : all[0]).focus();
      }
    }
  }

  #explain({ code, text, seconds }) {
    const words = this.words;
    const says = {
      too_long: words.tooLong(this.connection.textLimit),
      too_fast: words.tooFast(seconds),
      refused: words.refused,
      photo_too_big: words.photoTooBig,
      photo_refused: words.photoRefused,
      photo_unsent: words.photoUnsent,
      renewed: words.renewed,
      forgotten: words.forgotten,
    };
    this.problem.textContent = says[code] || "";
    this.box.setAttribute("aria-invalid", String(code === "too_long"));
    if (text) this.box.value = [this.box.value, text].filter(Boolean).join("\n");
    if (code === "too_fast") setTimeout(() => this.#explain({ code: "" }), seconds * 1000);
    this.#fit();
  }

  #fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight + 3, 132)}px`;
  }

  // --- showing -----------------------------------------------------------------------------------

  #render() {
    const { connection, words } = this;
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    // Somebody who scrolled back to read is left there.
    const follows = scrollHeight - scrollTop - clientHeight < 80 || Math.abs(scrollTop - this.placedAt) < 2;
    this.#renderNotice();
    this.#renderLog();
    const last = connection.messages.at(-1);
    const waiting = connection.online && !connection.pending.length && isWaiting(connection, last);
    this.dots.hidden = !waiting;
    this.#noteStored(waiting);
    this.#renderReplies(connection.unconfirmed.length ? null : last);
    this.#noteLine();
    this.forgetButton.hidden = !connection.messages.length && !connection.pending.length;
    const fresh = connection.unseenMessages;
    if (this.isOpen && !document.hidden) connection.markSeen();
    const unseen = connection.unseenMessages.length;
    this.badge.hidden = !unseen;
    this.badge.textContent = unseen;
    this.launcher.ariaLabel = unseen ? words.openNew(unseen) : words.open;
    if (!this.isOpen) {
      const urgent = fresh.findLast(isSafety);
      if (urgent) this.#show();
      this.#announce(urgent ? `${words.clinic}: ${urgent.text}` : unseen ? words.openNew(unseen) : "");
    } else if (follows || fresh.some(isSafety)) {
      this.#place(this.#answerStart());
    }
  }

  #announce(text) {
    if (this.announcer.textContent !== text) this.announcer.textContent = text;
  }

  /** The message to read first in what the desk said last: its safety text, else its beginning; null when the
   * visitor had the last word. */
  #answerStart() {
    const { messages, unconfirmed } = this.connection;
    const last = messages.at(-1);
    if (unconfirmed.length || last?.from !== "clinic") return null;
    const before = messages.findLastIndex(
      (message) => message.from !== "clinic" || Date.parse(last.at) - Date.parse(message.at) > ONE_ANSWER_MS,
    );
    const answer = messages.slice(before + 1);
    return answer.findLast(isSafety) ?? answer[0];
  }

  /** Scrolls to the end, but not past the first line of `message`. */
  #place(message) {
    const { scroller } = this;
    const element = message && this.elements.get(message.client_id || message.id);
    scroller.scrollTop = scroller.scrollHeight;
    if (element) {
      const above = element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - 8;
      if (above < 0) scroller.scrollTop += above;
    }
    this.placedAt = scroller.scrollTop;
  }

  #renderNotice() {
    const { words } = this;
    const clinic = this.connection.clinic;
    if (this.noticeFor === clinic && this.notice.hasChildNodes()) return;
    this.noticeFor = clinic;
    this.heading.textContent = words.title(clinic?.name);
    const first = make("p", { textContent: `${words.notice} ` });
    first.append(make("strong", { textContent: words.emergency }));
    const second = clinic
      ? make("p", {}, [
          `${words.urgent} `,
          telephone(clinic.emergency_phone),
          `. ${words.ambulance} `,
          telephone(clinic.emergency_number),
          ".",
        ])
      : make("p", { textContent: words.emergencyUnknown });
    this.notice.replaceChildren(first, second);
  }

  #renderLog() {
    const { connection } = this;
    const shown = [...connection.messages, ...connection.unconfirmed.map((message) => ({ ...message, from: "you" }))];
    const gone = new Map(this.elements);
    let place = this.log.firstChild;
    for (const message of shown) {
      // A message keeps its element when the desk confirms it, so that it is not announced twice.
      const key = message.client_id || message.id;
      let element = this.elements.get(key);
      if (!element) this.elements.set(key, (element = this.#message(message)));
      gone.delete(key);
      if (element === place) place = place.nextSibling;
      else this.log.insertBefore(element, place);
      this.#renderMeta(element, message);
    }
    for (const [key, element] of gone) {
      element.remove();
      this.elements.delete(key);
    }
  }

  #message(message) {
    const mine = message.from === "you";
    // who wrote it: said aloud to a screen reader, and shown when it is a person of the clinic
    const name = mine ? this.words.you : message.by || this.words.clinic;
    const who = make("span", { className: message.by ? "by" : "hidden", textContent: `${name}: ` });
    const bubble = make("div", { className: "bubble" }, [who]);
    const written = message.text || (message.photos ? this.words.photo(message.photos) : "");
    bubble.append(...(mine ? [written] : linked(message.text, this.connection.clinic?.emergency_number)));
    const look = isSafety(message) ? `${message.from} safety` : message.from;
    return make("div", { className: `message ${look}` }, [bubble, make("div", { className: "meta" })]);
  }

  #renderMeta(element, message) {
    const { words, connection } = this;
    const time = new Date(message.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    let state = "";
    if (message.from === "you") {
      state = message.id || message.stored ? words.saved : connection.online ? words.sending : words.unsent;
    }
    element.classList.toggle("unsent", state === words.unsent);
    const text = state ? `${time} · ${state}` : time;
    if (element.lastChild.textContent !== text) element.lastChild.textContent = text;
  }

  #renderReplies(last) {
    const buttons = last?.from === "clinic" ? last.buttons : [];
    const shownFor = buttons.length ? last.id : "";
    if (this.repliesFor === shownFor) return;
    this.repliesFor = shownFor;
    this.replies.hidden = !buttons.length;
    const made = buttons.map(({ label, send }) => {
      const button = make("button", { type: "button", textContent: label });
      button.addEventListener("click", () => {
        this.connection.send(send);
        this.box.focus();
      });
      return button;
    });
    this.replies.replaceChildren(...made);
  }

  /** Says that the line is broken, and once it stays so, not to rely on it. */
  #noteLine() {
    const { offline, unreachable } = this.words;
    const { online, offlineSince } = this.connection;
    const long = Date.now() - offlineSince > UNREACHABLE_AFTER_MS;
    const says = online ? "" : long ? unreachable : offline;
    const shown = this.status.textContent;
    if (says ? shown !== says : shown === offline || shown === unreachable) this.status.textContent = says;
  }

  /** Says, once it takes long, that the message is safe although nobody has answered yet. */
  #noteStored(waiting) {
    if (!waiting) {
      clearTimeout(this.storedTimer);
      this.storedTimer = null;
      if (this.status.textContent === this.words.stored) this.status.textContent = "";
    } else {
      this.storedTimer ??= setTimeout(() => (this.status.textContent = this.words.stored), STORED_NOTE_AFTER_MS);
    }
  }
}

/** Whether the message tells somebody with a danger sign what to do now. */
function isSafety(message) {
  return message.kind === "safety";
}

/** Whether the desk has a message of the visitor's that it has not answered. */
function isWaiting(connection, last) {
  if (connection.unconfirmed.length) return true;
  return last?.from === "you" && last.waiting;
}

function make(name, properties = {}, children = []) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "role") element.setAttribute("role", value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const line = { d: SVG[name], fill: "none", stroke: "currentColor", "stroke-width": "2" };
  for (const [key, value] of Object.entries(line)) path.setAttribute(key, value);
  path.setAttribute("stroke-linecap", "round");
  path.setAttribute("stroke-linejoin", "round");
  svg.append(path);
  return svg;
}

function telephone(number) {
  return make("a", { href: `tel:${number.replace(/[^\d+]/g, "")}`, textContent: number });
}

/** `text` with addresses, telephone numbers and the ambulance's number made tappable. */
function linked(text, ambulance) {
  const short = /^\d{3,4}$/.test(ambulance || "") ? `|\\b${ambulance}\\b` : "";
  return text.split(new RegExp(LINKS.source.replace(/\)$/, `${short})`), "g")).map((part, place) => {
    if (place % 2 === 0) return part;
    if (part.startsWith("http")) return make("a", { href: part, target: "_blank", rel: "noopener", textContent: part });
    return telephone(part);
  });
}

customElements.get("afterglow-chat") || customElements.define("afterglow-chat", AfterglowChat);
