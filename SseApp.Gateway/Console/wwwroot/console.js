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
  }
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

function open(topic) {
  source = new EventSource(`${gateway}events?topic=${encodeURIComponent(topic)}`);
  $("toggle").textContent = "Unsubscribe";
  pill($("state"), "connecting", "warn");
  source.onopen = () => pill($("state"), "open", "good");
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) close("The stream was refused; check the topic's name.");
    else pill($("state"), "reconnecting", "warn");
  };
  source.onmessage = show;
  source.addEventListener("stream.open", event => {
    const { replica, connection } = JSON.parse(event.data);
    $("served").textContent = `Served by ${replica}${connection ? `, connection ${connection}` : ""}.`;
    show(event);
  });
  source.addEventListener("stream.unavailable", event => {
    const { reason, retryAfterMs } = JSON.parse(event.data);
    $("served").textContent = `Unavailable (${reason}); reconnecting in ${(retryAfterMs / 1000).toFixed(1)} s.`;
    pill($("state"), "unavailable", "bad");
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
