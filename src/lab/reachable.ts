import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../cluster/errors.js';
import { isAlive, type ProcessId } from './processes.js';

/** Milliseconds that a server of the lab gets to start: machines under load are slow. */
const PATIENCE = 90_000;

/** Whether something listens there. */
export async function isListening(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port, timeout: 1000 });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/**
 * Waits until a server of the lab is ready, and no longer than it lives.
 *
 * @throws RolloutError LAB_FAILED that names its log.
 */
export async function waitReady(
  server: { readonly name: string; readonly process: ProcessId; readonly log: string },
  isReady: () => Promise<boolean>,
): Promise<void> {
  const failure = (what: string): RolloutError =>
    new RolloutError('LAB_FAILED', `the lab's ${server.name} ${what}; its messages are in ${server.log}`);
  const deadline = Date.now() + PATIENCE;
  while (!(await isReady())) {
    if (!isAlive(server.process)) throw failure('ended at once');
    if (Date.now() > deadline) throw failure(`does not answer after ${PATIENCE / 1000} s`);
    await sleep(20);
  }
}
