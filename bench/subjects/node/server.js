'use strict';
// A server-sent-events server as sites write it with Node's own http module: each worker subscribes to the topics of
// its streams in Redis, formats an event once and writes it to every stream. No history: pub/sub forgets.
const http = require('http');
const Redis = require('ioredis');

const redisPort = Number(process.env.REDIS_PORT);
const publisher = new Redis(redisPort, '127.0.0.1');
// The ready check is a command that a connection in subscriber mode refuses when the first stream comes early.
const subscriber = new Redis(redisPort, '127.0.0.1', { enableReadyCheck: false });
const topics = new Map();

subscriber.on('messageBuffer', (channel, message) => {
  const streams = topics.get(channel.toString());
  if (!streams) return;
  const frame = Buffer.concat([Buffer.from('data: '), message, Buffer.from('\n\n')]);
  for (const stream of streams) stream.write(frame);
});

async function subscribe(topic, request, response) {
  let streams = topics.get(topic);
  if (!streams) {
    streams = new Set();
    topics.set(topic, streams);
    streams.ready = subscriber.subscribe(topic);
  }
  streams.add(response);
  request.on('close', () => {
    streams.delete(response);
    if (streams.size === 0 && topics.get(topic) === streams) {
      topics.delete(topic);
      subscriber.unsubscribe(topic);
    }
  });
  await streams.ready;
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' });
  response.write('retry: 3000\n\n');
}

function publish(topic, request, response) {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => {
    publisher.publish(topic, Buffer.concat(parts)).then(
      () => { response.writeHead(201, { 'Content-Length': 0 }); response.end(); },
      error => { response.writeHead(503); response.end(String(error)); });
  });
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (request.method === 'GET' && url.pathname === '/events') {
    subscribe(url.searchParams.get('topic'), request, response).catch(error => { response.writeHead(503); response.end(String(error)); });
  } else if (request.method === 'POST' && url.pathname === '/publish') {
    publish(url.searchParams.get('topic'), request, response);
  } else {
    response.writeHead(404);
    response.end();
  }
});
server.keepAliveTimeout = 60000;
server.requestTimeout = 0;
server.listen({ port: Number(process.env.PORT), host: '127.0.0.1', backlog: 4096 });
