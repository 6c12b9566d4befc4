import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';

import { freePort } from '../../src/lab/ports.js';
import { eventually } from './eventually.js';

/** A Redis of the test's own, in memory only. */
export interface Redis {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a real Redis on the loopback address. @param options further ones, such as `--requirepass`. */
export async function startRedis(...options: readonly string[]): Promise<Redis> {
  const host = '127.0.0.1';
  const port = await freePort([host]);
  const own = ['--port', String(port), '--bind', host, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', [...own, ...options], { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const stop = async (): Promise<void> => {
    server.kill('SIGKILL');
    await ended;
  };
  try {
    await eventually('Redis takes connections', () => {
      if (server.exitCode !== null) throw new Error(`Redis ended with ${server.exitCode}`);
      return takesConnections(host, port);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, port, stop };
}

async function takesConnections(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    return await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
