// node client.mjs <package> <its folder> <url>: one client on one stream. Prints every event that it sees as a line of JSON.
import { createRequire } from "node:module";

const [name, folder, url] = process.argv.slice(2);
const library = createRequire(import.meta.url)(folder);
const print = (type, data, id) => console.log(JSON.stringify({ type: type || "message", data, lastEventId: id ?? "" }));
const wait = milliseconds => new Promise(done => setTimeout(done, milliseconds));

function listen(source) {
  // One of them throws what nobody listens to.
  source.addEventListener("error", event => console.error(event.message ?? event.type));
  for (const type of ["message", "stream.open", "stream.gap", "stream.unavailable", "stream.closed"]) {
    source.addEventListener(type, event => print(event.type, event.data, event.lastEventId));
  }
}

const clients = {
  "eventsource": () => listen(new library.EventSource(url)),
  "undici": () => listen(new library.EventSource(url)),
  "extended-eventsource": () => listen(new library.EventSource(url)),
  "launchdarkly-eventsource": () => listen(new library.EventSource(url)),
  "eventsource-client": () => library.createEventSource({ url, onMessage: event => print(event.event, event.data, event.id) }),
  "event-source-plus": () => new library.EventSourcePlus(url).listen({ onMessage: event => print(event.event, event.data, event.id) }),

  // Made for browsers. It takes the end of a stream for the end of all, unless its user says otherwise.
  "@microsoft/fetch-event-source": () => {
    globalThis.window = globalThis;
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    library.fetchEventSource(url, {
      openWhenHidden: true,
      onmessage: event => print(event.event, event.data, event.id),
      onclose: () => { throw new Error("The stream ended."); },
      onerror: () => undefined,
    });
  },

  // Only parses.
  "eventsource-parser": async () => {
    let last = "";
    let retry = 1000;
    for (;;) {
      try {
        const headers = { accept: "text/event-stream", ...(last && { "last-event-id": last }) };
        const response = await fetch(url, { headers });
        if (response.ok) {
          const parser = library.createParser({
            onEvent: event => { last = event.id ?? last; print(event.event, event.data, event.id); },
            onRetry: milliseconds => { retry = milliseconds; },
          });
          const decoder = new TextDecoder();
          for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }));
        }
      } catch (error) {
        console.error(error.message);
      }
      await wait(retry);
    }
  },
};

clients[name]();
// undici waits for a reconnection without keeping the process alive.
setInterval(() => {}, 60_000);
