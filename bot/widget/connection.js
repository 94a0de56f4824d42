// One chat session with the desk: sends what is written until it is stored, and follows what is answered.
//
// On the device stay the session's token, the id last seen, and messages not yet stored. The conversation itself is
// read again from the desk, so that nothing of it lies about on a shared computer. The tab alone remembers whether
// the dialog was open.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const SILENCE_MS = 40000; // the desk pings every 15 s; a quieter line is dead
const REFRESH_BEFORE_MS = 5 * 60 * 1000;
const PHOTO_LIMIT = 20 * 1024 * 1024; // bytes, as the desk's
const PHOTO_TRIES = 4;

/** An answer of the desk that is not a success; `code` says why. */
class Refused extends Error {
  constructor(status, body) {
    super(body.message || `HTTP ${status}`);
    this.status = status;
    this.code = body.error || "";
    this.retryAfter = body.retry_after || 0;
  }
}

/**
 * Events: `change` (messages, pending or online changed), `problem` with detail {code, text?, seconds?}.
 * Fields to read: `clinic`, `messages` (oldest first), `pending`, `online`, `offlineSince`, `textLimit`.
 */
export class Connection extends EventTarget {
  constructor(base, clinicKey, language) {
    super();
    this.base = base;
    this.clinicKey = clinicKey;
    this.language = language;
    this.key = `afterglow-chat:${base}:${clinicKey}`;
    this.online = true;
    this.clinic = null;
    this.textLimit = 4000;
    this.byId = new Map();
    this.uploads = []; // photos on their way; they are not kept on the device
    this.kept = { token: "", expiresAt: 0, seen: "", pending: [], ...this.#load() };
    this.wait = FIRST_WAIT_MS;
    this.offlineSince = 0;
    this.onOnline = () => this.#hurry();
    addEventListener("online", this.onOnline);
  }

  get messages() {
    return [...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get pending() {
    return this.kept.pending;
  }

  get known() {
    return Boolean(this.kept.token);
  }

  /** What the desk said and nobody has had on screen, oldest first. */
  get unseenMessages() {
    return this.messages.filter((message) => message.from === "clinic" && message.id > this.kept.seen);
  }

  /** Whether the dialog was open when this tab last showed the site. */
  get wasOpen() {
    try {
      return sessionStorage.getItem(this.key) === "open";
    } catch {
      return false; // storage is off
    }
  }

  set wasOpen(open) {
    try {
      if (open) sessionStorage.setItem(this.key, "open");
      else sessionStorage.removeItem(this.key);
    } catch {
      // as above
    }
  }

  /** Opens or resumes the session, and follows it once there is something to follow. */
  async start() {
    if (this.starting || this.closed) return;
    this.starting = true;
    try {
      await this.#authorise();
      if (this.resumed) this.#follow();
      this.#flush();
    } catch (error) {
      this.starting = false;
      this.#failed(error, () => this.start());
    }
  }

  /** Keeps `text` and sends it, now or as soon as it can be. */
  send(text) {
    this.kept.pending.push({ client_id: newId(), text, at: new Date().toISOString() });
    this.#save();
    this.#changed();
    this.#flush();
  }

  /** Sends a photo. It is shown until it is stored; a refusal, or a broken line, comes as a problem `photo_…`. */
  async sendPhoto(file) {
    if (file.size > PHOTO_LIMIT) {
      this.#problem("photo_too_big");
      return;
    }
    const upload = { client_id: newId(), text: "", photos: 1, at: new Date().toISOString() };
    this.uploads.push(upload);
    this.#changed();
    try {
      await this.#upload(upload.client_id, file);
      upload.stored = true;
      this.resumed = true;
      this.justStored = [...(this.justStored || []).slice(-20), upload];
    } catch (error) {
      const refused = error instanceof Refused;
      if (refused && error.status === 429) this.#problem("too_fast", { seconds: error.retryAfter });
      else if (error.code === "too_big") this.#problem("photo_too_big");
      else this.#problem(refused && error.status === 422 ? "photo_refused" : "photo_unsent");
    }
    this.uploads = this.uploads.filter((other) => other !== upload);
    this.#changed();
    if (upload.stored) this.#follow();
  }

  /** Puts the file there; the same id each time, so that a repeated one is stored once. */
  async #upload(id, file) {
    for (let tried = 1; ; tried++) {
      try {
        await this.#authorise();
        await this.#call(`/chat/photo?client_id=${id}`, file);
        return;
      } catch (error) {
        const expired = error instanceof Refused && error.status === 401;
        if (expired) this.kept.expiresAt = 0; // refreshed, or replaced, on the next round
        const final = error instanceof Refused && error.status < 500 && !expired;
        if (final || tried === PHOTO_TRIES || this.closed) throw error;
        await pause(FIRST_WAIT_MS * tried);
      }
    }
  }

  /** Notes that everything so far was on screen. */
  markSeen() {
    const last = this.messages.at(-1);
    if (last && last.id > this.kept.seen) {
      this.kept.seen = last.id;
      this.#save();
    }
  }

  /** Removes every trace of the session from this device. */
  forget() {
    this.wasOpen = false;
    try {
      localStorage.removeItem(this.key);
    } catch {
      // storage is off: there is nothing
    }
    this.close();
  }

  close() {
    this.closed = true;
    this.stream?.abort();
    clearTimeout(this.timer);
    removeEventListener("online", this.onOnline);
  }

  // --- sending -----------------------------------------------------------------------------------

  async #flush() {
    if (this.flushing || this.closed) return;
    this.flushing = true;
    try {
      while (this.kept.pending.length && !this.closed) {
        const { client_id, text } = this.kept.pending[0];
        try {
          await this.#authorise();
          await this.#call("/chat/messages", { client_id, text });
        } catch (error) {
          if (await this.#settled(error)) continue;
          throw error;
        }
        const sent = this.kept.pending.shift();
        sent.stored = true;
        this.triedAgain = false;
        this.wait = FIRST_WAIT_MS;
        this.#save();
        this.#isOnline(true);
        this.resumed = true;
        // Shown from here until the line brings the stored message itself.
        this.justStored = [...(this.justStored || []).slice(-20), sent];
        this.#changed();
        this.#follow();
      }
    } catch (error) {
      this.#failed(error, () => this.#flush());
    } finally {
      this.flushing = false;
    }
  }

  /** Whether sending can go on after `error`: the message went back to its writer, or a new session began. */
  async #settled(error) {
    if (!(error instanceof Refused)) return false;
    if (error.status === 413 || error.status === 422) {
      const [back] = this.kept.pending.splice(0, 1);
      this.#save();
      this.#problem("too_long", { text: back.text });
      return true;
    }
    if (error.status === 429) {
      this.#problem("too_fast", { seconds: error.retryAfter });
      await pause((error.retryAfter || 1) * 1000);
      return true;
    }
    if (error.status === 401) {
      this.kept.expiresAt = 0; // refreshed, or replaced, on the next round
      return !this.triedAgain && (this.triedAgain = true);
    }
    return false;
  }

  /** Sent or waiting messages that the line has not brought back yet. */
  get unconfirmed() {
    const here = new Set(this.messages.map((message) => message.client_id));
    return [...(this.justStored || []), ...this.kept.pending, ...this.uploads].filter((message) => !here.has(message.client_id));
  }

  // --- following ---------------------------------------------------------------------------------

  async #follow() {
    if (this.following || this.closed) return;
    this.following = true;
    try {
      await this.#authorise();
      this.stream = new AbortController();
      const last = this.messages.at(-1)?.id;
      const query = last ? `?after=${encodeURIComponent(last)}` : "";
      const response = await fetch(`${this.base}/chat/events${query}`, {
        headers: this.#headers(),
        signal: this.stream.signal,
      });
      if (!response.ok) throw new Refused(response.status, await bodyOf(response));
      await this.#read(response.body.getReader());
      throw new TypeError("the line was closed");
    } catch (error) {
      this.following = false;
      if (error instanceof Refused && error.status === 401) this.kept.expiresAt = 0;
      this.#failed(error, () => this.#follow());
    }
  }

  async #read(reader) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const silence = setTimeout(() => this.stream.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      this.wait = FIRST_WAIT_MS;
      this.#isOnline(true);
      rest = (rest + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) this.#take(block);
    }
  }

  #take(block) {
    const lines = block.split("\n");
    if (!lines.includes("event: message")) return;
    const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
    const message = JSON.parse(data);
    this.byId.set(message.id, message);
    this.#changed();
  }

  // --- session -----------------------------------------------------------------------------------

  async #authorise() {
    if (this.clinic && Date.now() < this.kept.expiresAt - REFRESH_BEFORE_MS) return;
    this.authorising ||= this.#newToken().finally(() => (this.authorising = null));
    await this.authorising;
  }

  async #newToken() {
    let opened = null;
    if (this.kept.token) {
      try {
        opened = await this.#call("/chat/session/refresh", {});
        this.resumed = true;
      } catch (error) {
        if (!(error instanceof Refused) || error.status !== 401) throw error;
        this.#problem("renewed");
        this.byId.clear();
      }
    }
    opened ||= await this.#call("/chat/session", { clinic: this.clinicKey, language: this.language }, false);
    this.clinic = opened.clinic;
    this.textLimit = opened.text_limit;
    this.kept.token = opened.token;
    this.kept.expiresAt = Date.now() + opened.expires_in * 1000;
    this.#save();
    this.#isOnline(true);
    this.#changed();
  }

  #headers() {
    return { Authorization: `Bearer ${this.kept.token}` };
  }

  async #call(path, body, withToken = true) {
    const isFile = body instanceof Blob;
    const type = isFile ? "application/octet-stream" : "application/json";
    const response = await fetch(this.base + path, {
      method: "POST",
      headers: { "Content-Type": type, ...(withToken ? this.#headers() : {}) },
      body: isFile ? body : JSON.stringify(body),
    });
    const answer = await bodyOf(response);
    if (!response.ok) throw new Refused(response.status, answer);
    return answer;
  }

  // --- trouble -----------------------------------------------------------------------------------

  #failed(error, again) {
    if (this.closed) return;
    if (error instanceof Refused && [403, 404].includes(error.status)) {
      this.#problem("refused");
      return;
    }
    this.offlineSince ||= Date.now();
    this.#isOnline(false);
    const wait = this.wait * (0.75 + Math.random() / 2);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    (this.again ||= new Set()).add(again);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#hurry(), wait);
  }

  #hurry() {
    clearTimeout(this.timer);
    const again = [...(this.again || [])];
    this.again = new Set();
    for (const action of again) action();
  }

  #isOnline(online) {
    if (online && this.online) return;
    if (online) this.offlineSince = 0;
    this.online = online;
    this.#changed(); // also at each further failure: what is said about it changes with time
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  #problem(code, detail = {}) {
    this.dispatchEvent(new CustomEvent("problem", { detail: { code, ...detail } }));
  }

  #load() {
    try {
      return JSON.parse(localStorage.getItem(this.key)) || {};
    } catch {
      return {}; // storage is off or damaged: the chat works, and ends with the page
    }
  }

  #save() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.kept));
    } catch {
      // as above
    }
  }
}

async function bodyOf(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An unguessable id; `crypto.randomUUID` exists on https pages only. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
