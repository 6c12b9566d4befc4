// The relay's own process, so that it can be stopped, and its work is not the mover's. Started by relay.ts, with the
// path of sftp-server as its argument; each connection gets a server of its own.
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { createServer } from 'node:net';

import { later } from './delay-line.js';
import { bytesWritten, FrameReader, isCreation, nameOfRequest } from './frames.js';
import type { RelayAnswer, RelayOrder, RelayStats } from './relay.js';

const server = process.argv[2] ?? '';
let delay = 0;
const connections = new Set<() => void>();

/** What was counted since the last reset. */
let requests: Record<string, number> = {};
let roundTrips = 0;
let written = 0;
let creations = 0;
let lastCreation: number | null = null;
/** Whether the client has heard anything since its last request: only then may the next one depend on an answer. */
let hasHeard = true;

function reset(): void {
  [requests, roundTrips, written, creations, lastCreation, hasHeard] = [{}, 0, 0, 0, null, true];
}

function stats(): RelayStats {
  const total = Object.values(requests).reduce((sum, count) => sum + count, 0);
  return { requests, total, roundTrips, written, creations, lastCreation };
}

const listener = createServer({ noDelay: true }, serve);
listener.listen(0, '127.0.0.1', () => {
  const address = listener.address();
  say({ port: address === null || typeof address === 'string' ? 0 : address.port });
});

process.on('message', (order: RelayOrder) => {
  if (order.order === 'reset') reset();
  if (order.order === 'delay') delay = order.delay;
  say({ stats: stats() });
});
// Whoever needs the share is gone. Ends by itself when the servers have ended.
process.on('disconnect', () => {
  listener.close();
  for (const close of connections) close();
});

function serve(client: Socket): void {
  const child = spawn(server, ['-e'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const close = (): void => {
    client.destroy();
    child.kill();
  };
  connections.add(close);
  client.on('close', close).on('error', close);
  child.on('exit', () => connections.delete(close));
  child.on('exit', close).on('error', close);
  child.stdin.on('error', close);
  const incoming = new FrameReader((frame) => {
    const name = nameOfRequest(frame);
    requests[name] = (requests[name] ?? 0) + 1;
    written += bytesWritten(frame);
    if (hasHeard) roundTrips += 1;
    hasHeard = false;
    if (!isCreation(frame)) return;
    creations += 1;
    lastCreation = Date.now();
  });
  client.on('data', (chunk) => {
    incoming.push(chunk);
    later(delay, () => child.stdin.write(chunk));
  });
  child.stdout.on('data', (chunk: Buffer) => {
    later(delay, () => {
      hasHeard = true;
      client.write(chunk);
    });
  });
}

function say(answer: RelayAnswer): void {
  process.send?.(answer);
}
