// Clients for web pages, each on one stream: the browser's own and those that npm has. Every event that one of them sees goes
// to the server of the page, in that order.
let sent = Promise.resolve();
function report(client, type, data, id) {
  const body = JSON.stringify({ client, type, data, lastEventId: id ?? "" });
  sent = sent.then(() => fetch("/report", { method: "POST", body }));
}

function listen(client, source) {
  for (const type of ["message", "stream.open", "stream.gap", "stream.unavailable", "stream.closed"]) {
    source.addEventListener(type, event => report(client, event.type, event.data, event.lastEventId));
  }
}

const clients = {
  "Chromium": url => listen("Chromium", new EventSource(url)),
  "event-source-polyfill": async url => {
    await import("/packages/event-source-polyfill.js");
    listen("event-source-polyfill", new EventSourcePolyfill(url));
  },
  "reconnecting-eventsource": async url => {
    const { default: ReconnectingEventSource } = await import("/packages/reconnecting-eventsource.js");
    listen("reconnecting-eventsource", new ReconnectingEventSource(url));
  },
  // Does not come back unless its user says so, and shows a refusal by its status.
  "sse.js": async url => {
    const { SSE } = await import("/packages/sse.js");
    const source = new SSE(url, { autoReconnect: true, reconnectDelay: 500 });
    source.addEventListener("error", event => event.responseCode >= 400 && report("sse.js", "refused", "by its status"));
    listen("sse.js", source);
  },
};

export const open = (name, url) => clients[name](url);
