// node node.mjs <folder of the package eventsource> <count> <url>
import { createRequire } from "node:module";
import { openClients } from "./clients.mjs";

const [folder, count, url] = process.argv.slice(2);
const { EventSource } = createRequire(import.meta.url)(folder);
openClients(EventSource, Array.from({ length: Number(count) }, () => url), state => console.log(JSON.stringify(state)));
