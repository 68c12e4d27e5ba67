import { $, element, pill } from "./common.js";

const healthMs = 5000;
const keptEvents = 200;
// The console is at "/", or in "console/" below the gateway; either may be behind a prefix of another proxy.
const gateway = location.pathname.replace(/(console\/)?(index\.html)?$/, "");

// Health

const moods = { healthy: "good", degraded: "warn", unhealthy: "bad" };

async function pollHealth() {
  try {
    const { status } = await (await fetch(`${gateway}health`, { headers: { accept: "application/json" } })).json();
    pill($("cluster"), status, moods[status]);
  } catch {
    pill($("cluster"), "gateway unreachable", "bad");
  }
  setTimeout(pollHealth, healthMs);
}

// Session

// What to do, where it is not plain what a reason means.
const advice = {
  "no-credentials": "sign in",
  "token-expired": "sign in with a new token",
  "token-revoked": "the session has ended; sign in with a new token",
  "token-invalid": "sign in with another token",
  "topic-denied": "this token does not let you use the topic",
  "auth-unavailable": "the issuer of the token cannot be reached; trying again",
  "foreign-origin": "this page's origin is not the gateway's own",
};

const why = ({ reason, topic }) => `${reason}${topic ? ` '${topic}'` : ""}${advice[reason] ? `: ${advice[reason]}` : ""}`;

// The token is sent once and kept by the browser, in a cookie that this script cannot read.
async function showSession(problem) {
  try {
    const response = await fetch(`${gateway}whoami`, { headers: { accept: "application/json" }, cache: "no-store" });
    const body = await response.json();
    const known = response.ok && body.kind !== "anonymous";
    if (!known && !body.warning && !body.reason) return false;
    $("session-section").hidden = false;
    $("sign-in").hidden = response.ok && !known;
    $("sign-out").hidden = !known;
    pill($("session"), known ? "signed in" : response.ok ? "open to everybody" : "signed out", known ? "good" : "warn");
    $("who").className = `note ${problem ? "bad" : ""}`;
    $("who").textContent = problem
      ?? body.warning
      ?? (known ? `${body.name ?? "Somebody without a name"}${body.expiresAt ? `, until ${new Date(body.expiresAt).toLocaleString()}` : ""}.` : `Not signed in: ${why(body)}.`);
    return known;
  } catch {
    // The gateway cannot be reached, which the state of the cluster says.
    return false;
  }
}

$("sign-in").addEventListener("submit", async submit => {
  submit.preventDefault();
  const token = new FormData(submit.target).get("token").trim();
  let problem;
  try {
    const response = await fetch(`${gateway}session`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    if (response.ok) submit.target.reset();
    else {
      const body = await response.json();
      problem = `Not signed in: ${body.detail ?? body.title ?? response.status}`;
    }
  } catch (error) {
    problem = `Not signed in: ${error.message}`;
  }
  const known = await showSession(problem);
  if (!problem && !known) await showSession("Not signed in: the browser did not keep the cookie, which needs HTTPS.");
  // Refused ones would come back by themselves, but not at once.
  if (known && source && $("state").textContent !== "open") reopen();
});

$("sign-out").addEventListener("click", async () => {
  let problem;
  try {
    await fetch(`${gateway}session`, { method: "DELETE" });
    if (source) close("Signed out.");
  } catch (error) {
    problem = `Not signed out: ${error.message}`;
  }
  await showSession(problem);
});

// Publish

$("publish").addEventListener("submit", async submit => {
  submit.preventDefault();
  const form = new FormData(submit.target);
  const query = form.get("event") ? `?event=${encodeURIComponent(form.get("event"))}` : "";
  const result = $("published");
  try {
    const response = await fetch(`${gateway}topics/${encodeURIComponent(form.get("topic"))}/events${query}`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: form.get("data"),
    });
    const body = await response.json();
    result.className = response.ok ? "good" : "bad";
    result.textContent = response.ok
      ? `Published, offset ${body.offset}`
      : `${response.status}: ${body.detail ?? body.title ?? "refused"}`;
  } catch (error) {
    result.className = "bad";
    result.textContent = `Not published: ${error.message}`;
    return;
  }
  if (result.className === "bad") showSession();
});

// Live stream

let source;

function show(event) {
  const item = document.createElement("li");
  item.append(
    element("time", new Date().toLocaleTimeString()),
    element("b", event.type),
    element("span", event.data, "data"));
  if (event.lastEventId) item.append(element("span", `id ${event.lastEventId}`, "id"));
  $("events").prepend(item);
  while ($("events").children.length > keptEvents) $("events").lastChild.remove();
}

function close(text = "Not connected.") {
  source?.close();
  source = undefined;
  $("toggle").textContent = "Subscribe";
  $("served").textContent = text;
  pill($("state"), "closed");
}

function reopen() {
  source.close();
  open($("subscribe").elements.topic.value);
}

function open(topic) {
  source = new EventSource(`${gateway}events?topic=${encodeURIComponent(topic)}`);
  $("toggle").textContent = "Unsubscribe";
  pill($("state"), "connecting", "warn");
    source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) close("The stream was refused; check the topic's name.");
    // Why it was refused stays until it is open.
    else if ($("state").textContent !== "refused") pill($("state"), "reconnecting", "warn");
  };
  source.onmessage = show;
  source.addEventListener("stream.open", event => {
    const { replica, connection } = JSON.parse(event.data);
    pill($("state"), "open", "good");
    $("served").textContent = `Served by ${replica}${connection ? `, connection ${connection}` : ""}.`;
    show(event);
  });
  source.addEventListener("stream.unavailable", event => {
    const { reason, retryAfterMs } = JSON.parse(event.data);
    $("served").textContent = `Unavailable (${reason}); reconnecting in ${(retryAfterMs / 1000).toFixed(1)} s.`;
    pill($("state"), "unavailable", "bad");
  });
  source.addEventListener("stream.unauthorized", event => {
    const refused = JSON.parse(event.data);
    $("served").textContent = `Refused (${why(refused)}). Reconnecting in ${(refused.retryAfterMs / 1000).toFixed(0)} s.`;
    pill($("state"), "refused", "bad");
    showSession();
  });
  source.addEventListener("stream.token-expiring", event => {
    $("served").textContent = `The session ends at ${new Date(JSON.parse(event.data).expiresAt).toLocaleTimeString()}; sign in with a new token to go on.`;
  });
  source.addEventListener("stream.gap", show);
  for (const type of namedTypes()) source.addEventListener(type, show);
}

// An EventSource hands over only types that it has a listener for; the one in the publish form is the likely one.
function namedTypes() {
  const type = $("publish").elements.event.value.trim();
  return type && type !== "message" && !type.startsWith("stream.") ? [type] : [];
}

$("publish").elements.event.addEventListener("change", () => {
  for (const type of namedTypes()) {
    source?.removeEventListener(type, show);
    source?.addEventListener(type, show);
  }
});

$("subscribe").addEventListener("submit", submit => {
  submit.preventDefault();
  if (source) close();
  else open(new FormData(submit.target).get("topic"));
});

$("clear").addEventListener("click", () => $("events").replaceChildren());

pollHealth();
showSession();
