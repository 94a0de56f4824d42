// Writing to a patient: while it is typed, the server says what the text takes and which words to reconsider.
// Without this the button beside "Send" does the same.

const field = document.querySelector("textarea[data-look]");
let timer = 0;
let asked = 0;

async function look() {
  const number = ++asked;
  const form = new FormData(field.form);
  const response = await fetch(field.dataset.look, { method: "POST", body: new URLSearchParams(form) });
  if (!response.ok || response.redirected || number !== asked) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const place = document.getElementById("look");
  const was = place.querySelector(".warning")?.textContent;
  const now = page.querySelector(".warning");
  // a warning that has been read out already is not read out again with every letter
  if (now && now.textContent === was) now.removeAttribute("role");
  place.replaceChildren(...page.body.childNodes);
}

field?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => look().catch(() => {}), 400);
});

// The newest words are at the end.
const thread = document.querySelector("[role=log]");
if (thread) thread.scrollTop = thread.scrollHeight;
