// Passkeys: turns what the server sends into what browsers want, and back. Shown only where browsers can.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const described = (list) => (list ?? []).map((item) => ({ ...item, id: bytes(item.id) }));

async function options(address, form) {
  const response = await fetch(address, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!response.ok || response.redirected) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

function plain(credential) {
  const { response } = credential;
  const answer = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) answer[name] = text(response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: answer,
    clientExtensionResults: {},
  });
}

async function register(form) {
  const asked = await options(`${form.action}/options`, form);
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: described(asked.excludeCredentials),
  };
  const body = new FormData(form);
  body.set("credential", plain(await navigator.credentials.create({ publicKey })));
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(body) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  location.assign((await response.json()).to);
}

async function signIn(form) {
  const asked = await options(`${form.action}/options`, form);
  const publicKey = {
    ...asked,
    challenge: bytes(asked.challenge),
    allowCredentials: described(asked.allowCredentials),
  };
  form.elements.credential.value = plain(await navigator.credentials.get({ publicKey }));
  form.submit();
}

function offer(selector, act) {
  for (const form of document.querySelectorAll(selector)) {
    form.hidden = !window.PublicKeyCredential;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const problem = form.querySelector("[data-problem]");
      problem.hidden = true;
      act(form).catch(() => (problem.hidden = false));
    });
  }
}

offer("[data-passkey-register]", register);
offer("[data-passkey-sign-in]", signIn);
