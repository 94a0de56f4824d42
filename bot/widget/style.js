// The widget's looks. A site changes them with CSS custom properties on <afterglow-chat>, for example
// `afterglow-chat { --afterglow-accent: #5b2a86; --afterglow-on-accent: #fff; }`.

const css = `
:host {
  --accent: var(--afterglow-accent, #0f4c4a);
  --on-accent: var(--afterglow-on-accent, #ffffff);
  --bar: var(--afterglow-accent, #0f4c4a);
  --on-bar: var(--afterglow-on-accent, #ffffff);
  --surface: var(--afterglow-surface, #ffffff);
  --page: var(--afterglow-page, #f6f1ea);
  --ink: var(--afterglow-ink, #1d2b2a);
  --soft: var(--afterglow-ink-soft, #51615f);
  --line: var(--afterglow-line, #ddd3c6);
  --edge: var(--afterglow-edge, #8a8377);
  --mine: var(--afterglow-mine, #dcebe8);
  --link: var(--afterglow-link, #0f4c4a);
  --urgent: var(--afterglow-urgent, #a83c24);
  --urgent-soft: var(--afterglow-urgent-soft, #fbe9e3);
  --focus: var(--afterglow-focus, #0b6bcb);
  all: initial;
  color-scheme: light dark;
  font: 16px/1.45 var(--afterglow-font, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif);
  color: var(--ink);
}
@media (prefers-color-scheme: dark) {
  :host {
    --accent: var(--afterglow-accent, #7fcbc2);
    --on-accent: var(--afterglow-on-accent, #0c2120);
    --bar: var(--afterglow-accent, #134f4c);
    --on-bar: var(--afterglow-on-accent, #f3faf9);
    --surface: var(--afterglow-surface, #1c2726);
    --page: var(--afterglow-page, #141c1b);
    --ink: var(--afterglow-ink, #eef3f1);
    --soft: var(--afterglow-ink-soft, #aebdba);
    --line: var(--afterglow-line, #2f3d3b);
    --edge: var(--afterglow-edge, #758683);
    --mine: var(--afterglow-mine, #1f4340);
    --link: var(--afterglow-link, #9edcd4);
    --urgent: var(--afterglow-urgent, #f3a28f);
    --urgent-soft: var(--afterglow-urgent-soft, #3d231c);
    --focus: var(--afterglow-focus, #8cc4ff);
  }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
a { color: var(--link); font-weight: 600; text-underline-offset: 2px; }
a[href^="tel:"] { white-space: nowrap; }
p { margin: 0; }

.launcher {
  position: fixed; inset-inline-end: 20px; inset-block-end: 20px; z-index: 2147483000;
  display: flex; align-items: center; gap: 10px;
  min-height: 56px; padding: 0 22px 0 18px; border: 0; border-radius: 28px;
  background: var(--accent); color: var(--on-accent); font-weight: 600;
  box-shadow: 0 6px 24px rgb(0 0 0 / 22%); transition: transform .15s ease;
}
.launcher:hover { transform: translateY(-2px); }
.launcher svg { width: 24px; height: 24px; }
.badge {
  min-width: 24px; padding: 1px 7px; border-radius: 12px; text-align: center; font-size: 14px;
  background: var(--on-accent); color: var(--accent);
}

.panel {
  position: fixed; inset-inline-end: 20px; inset-block-end: 20px; z-index: 2147483000;
  display: flex; flex-direction: column; overflow: hidden;
  width: min(400px, calc(100vw - 40px)); height: min(660px, calc(100dvh - 40px));
  background: var(--page); border: 1px solid var(--line); border-radius: 20px;
  box-shadow: 0 18px 60px rgb(0 0 0 / 28%); animation: rise .18s ease-out;
}
.panel:focus { outline: none; }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
@media (max-width: 480px), (max-height: 480px) {
  .panel { inset: 0; width: 100%; height: 100dvh; border: 0; border-radius: 0; }
}

.head {
  display: flex; align-items: center; gap: 12px; padding: 12px 10px 12px 18px;
  background: var(--bar); color: var(--on-bar);
}
.head div { flex: 1; min-width: 0; }
h2 { margin: 0; font-size: 17px; line-height: 1.25; overflow-wrap: anywhere; }
.head p { font-size: 14px; }
.close {
  width: 44px; height: 44px; border: 0; border-radius: 50%; background: transparent; color: inherit;
  display: grid; place-items: center;
}
.close:hover { background: rgb(128 128 128 / 25%); }
.close svg { width: 22px; height: 22px; }
.head :focus-visible { outline-color: currentColor; outline-offset: -3px; }

.scroll { flex: 1; overflow-y: auto; padding: 16px 16px 8px; overscroll-behavior: contain; }
.notice {
  padding: 10px 14px; margin-bottom: 16px; font-size: 15px; border-radius: 12px;
  background: var(--urgent-soft); border-inline-start: 4px solid var(--urgent);
}
.notice a { color: var(--urgent); }
.notice strong { color: var(--urgent); }

.log { display: flex; flex-direction: column; gap: 10px; }
.message { display: flex; flex-direction: column; max-width: 86%; align-self: flex-start; }
.message.you { align-self: flex-end; align-items: flex-end; }
.bubble {
  padding: 9px 14px; border-radius: 18px 18px 18px 5px; white-space: pre-wrap; overflow-wrap: anywhere;
  background: var(--surface); border: 1px solid var(--line);
}
.by { display: block; font-size: 13px; font-weight: 600; color: var(--soft); }
.safety .bubble { border-inline-start: 4px solid var(--urgent); }
.you .bubble { background: var(--mine); border-color: transparent; border-radius: 18px 18px 5px 18px; }
.you.unsent .bubble { background: transparent; border: 1px dashed var(--edge); }
.meta { padding: 2px 6px 0; font-size: 13px; color: var(--soft); }
.unsent .meta { color: var(--urgent); }

.dots { display: flex; gap: 5px; padding: 14px 4px 4px; }
.dots i { width: 8px; height: 8px; border-radius: 50%; background: var(--soft); animation: dot 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .15s; }
.dots i:nth-child(3) { animation-delay: .3s; }
@keyframes dot { 0%, 60%, 100% { opacity: .35; } 30% { opacity: 1; } }

.replies { display: flex; flex-wrap: wrap; gap: 8px; padding: 12px 0 4px; }
.replies button {
  min-height: 44px; padding: 6px 16px; border-radius: 22px; text-align: start;
  background: var(--surface); border: 1.5px solid var(--link); color: var(--link); font-weight: 600;
}
.replies button:hover { background: var(--mine); }

.status { margin: 0 16px 8px; padding: 8px 12px; border-radius: 10px; font-size: 14px; background: var(--mine); }
.status.problem { background: var(--urgent-soft); color: var(--urgent); }
.status:empty { display: none; }

form { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px; background: var(--surface);
  border-top: 1px solid var(--line); }
textarea {
  flex: 1; min-width: 0; min-height: 46px; max-height: 132px; padding: 11px 14px; resize: none;
  border: 1.5px solid var(--edge); border-radius: 14px; background: var(--surface); line-height: 1.4;
}
textarea::placeholder { color: var(--soft); opacity: 1; }
textarea:focus { outline: 3px solid var(--focus); outline-offset: 0; border-color: transparent; }
textarea[aria-invalid="true"] { border-color: var(--urgent); }
.send {
  flex: none; width: 46px; height: 46px; border: 0; border-radius: 50%; display: grid; place-items: center;
  background: var(--accent); color: var(--on-accent);
}
.photo {
  flex: none; width: 46px; height: 46px; border: 1.5px solid var(--edge); border-radius: 50%; display: grid;
  place-items: center; background: var(--surface); color: var(--link);
}
.photo:hover { background: var(--mine); }
.send svg, .photo svg { width: 22px; height: 22px; }
.forget {
  align-self: center; min-height: 32px; padding: 2px 10px 6px; border: 0; background: none; font-size: 13px;
  color: var(--soft); text-decoration: underline; text-underline-offset: 2px;
}
.foot { display: flex; justify-content: center; background: var(--surface); }

.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
@media (prefers-reduced-motion: reduce) {
  .panel, .dots i { animation: none; }
  .dots i { opacity: .7; }
  .launcher, .launcher:hover { transition: none; transform: none; }
}
@media (forced-colors: active) { .launcher, .bubble, .replies button, .send { border: 1px solid; } }
`;

/** A constructed sheet, which also a site with a strict content security policy accepts. */
export const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
