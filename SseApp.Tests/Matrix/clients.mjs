// Opens an EventSource for each URL and reports five times a second how they are. Events are numbered from 0.
export function openClients(EventSource, urls, report) {
  const clients = urls.map(url => {
    const client = { source: new EventSource(url), next: 0, opened: 0, fault: null };
    client.source.onmessage = event => {
      const number = Number(event.data.slice(event.data.lastIndexOf("-") + 1));
      if (number !== client.next) client.fault ??= `got ${number} in place of ${client.next}`;
      client.next = number + 1;
    };
    client.source.addEventListener("stream.open", () => client.opened++);
    client.source.onerror = event => {
      if (client.source.readyState === 2) client.fault ??= `was closed: ${event.code} ${event.message}`;
    };
    client.source.addEventListener("stream.gap", event => client.fault ??= `got the gap ${event.data}`);
    return client;
  });
  setInterval(() => report({
    count: clients.length,
    open: clients.filter(client => client.source.readyState === 1 && client.opened > 0).length,
    closed: clients.filter(client => client.source.readyState === 2).length,
    received: Math.min(...clients.map(client => client.next)),
    opened: clients.reduce((sum, client) => sum + client.opened, 0),
    faults: clients.map(client => client.fault).filter(fault => fault !== null).slice(0, 5),
  }), 200);
}
