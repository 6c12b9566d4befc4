import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { output } from './commands.js';
import { eventually } from './eventually.js';
import type { Answer, Order } from './far-sockets.js';

/** Another machine on the same wire: a network namespace with sockets of its own. */
export interface FarMachine {
  /** Does something with a socket there; see far-sockets.ts. */
  ask(order: Order): Promise<Answer>;
  stop(): Promise<void>;
}

/**
 * Joins the network namespace of this process with a new one by a wire. Needs root, and a namespace of its own around.
 *
 * @param near addresses at this end, with their prefix length; `far` those at the other.
 */
export async function farMachine(near: readonly string[], far: readonly string[]): Promise<FarMachine> {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  const pid = holder.pid ?? 0;
  const own = await readlink('/proc/self/ns/net');
  await eventually('the far machine is there', async () => {
    const there = await readlink(`/proc/${pid}/ns/net`).catch(() => own);
    return there !== own;
  });
  const enter = ['--target', String(pid), '--net'];
  const ip = (inside: boolean, ...args: readonly string[]): void => {
    output(inside ? 'nsenter' : 'ip', inside ? [...enter, 'ip', ...args] : args);
  };
  ip(false, 'link', 'set', 'lo', 'up');
  ip(false, 'link', 'add', 'name', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(pid));
  for (const [inside, name, addresses] of [
    [false, 'near', near],
    [true, 'far', far],
  ] as const) {
    // an IPv6 address would only serve after a second in which its double is looked for
    for (const address of addresses) {
      ip(inside, 'addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
    }
    ip(inside, 'link', 'set', name, 'up');
  }
  const script = fileURLToPath(new URL('./far-sockets.js', import.meta.url));
  const sockets = spawn('nsenter', [...enter, process.execPath, script], { stdio: ['ignore', 'ignore', 2, 'ipc'] });
  return {
    ask: (order) => answerOf(sockets, order),
    stop: async () => {
      for (const process of [sockets, holder]) {
        const ended = once(process, 'exit');
        process.kill('SIGKILL');
        await ended;
      }
    },
  };
}

let orders = 0;

async function answerOf(sockets: ChildProcess, order: Order): Promise<Answer> {
  orders += 1;
  const id = orders;
  sockets.send({ id, order });
  for (;;) {
    const [message] = (await once(sockets, 'message')) as [{ readonly id: number; readonly answer: Answer }];
    if (message.id === id) return message.answer;
  }
}
