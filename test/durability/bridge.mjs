// `node bridge.mjs SOCKET HEAD`: joins its own stdin and stdout with a command that agent.mjs runs in its pane.
import { createConnection } from 'node:net';

const [path, head] = process.argv.slice(2);
const socket = createConnection(path);
socket.write(`${head}\n`);
process.stdin.pipe(socket);
socket.pipe(process.stdout);
