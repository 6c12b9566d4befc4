import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What a relay counted since its last reset. */
export interface RelayStats {
  /** By name: OPEN, WRITE, …, and extensions such as fsync, posix-rename. */
  readonly requests: Readonly<Record<string, number>>;
  readonly total: number;
  /**
   * How many times a request followed an answer: with one lane the number of round trips that it had to wait for, one
   * after the other. Lanes side by side share them.
   */
  readonly roundTrips: number;
  /** Bytes of files that WRITE requests carried. */
  readonly written: number;
  /** Files made, and when the last one was asked for: milliseconds as `Date.now()`. */
  readonly creations: number;
  readonly lastCreation: number | null;
}

/** What the relay's process hears and says. */
export type RelayOrder =
  { readonly order: 'stats' } | { readonly order: 'reset' } | { readonly order: 'delay'; readonly delay: number };
export type RelayAnswer = { readonly port: number } | { readonly stats: RelayStats };

/** A relay between a client of SFTP and a server, in a process of its own. */
export interface Relay {
  /** Where it listens, on 127.0.0.1. Every connection gets its own server, without any log-in. */
  readonly port: number;
  readonly stats: () => Promise<RelayStats>;
  readonly reset: () => Promise<void>;
  /** Milliseconds that it adds each way. */
  readonly setDelay: (delay: number) => Promise<void>;
  /** Nothing passes any more, as when a share hangs, until `resume`. It cannot answer meanwhile. */
  readonly hang: () => void;
  readonly resume: () => void;
  /** Ends it; connections break. */
  readonly close: () => Promise<void>;
}

/** Milliseconds in which the relay has to end with its servers. */
const PATIENCE = 3_000;

const SERVERS = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server'];

/** Where sftp-server is; undefined when it is not installed. */
export function findSftpServer(): string | undefined {
  return SERVERS.find((path) => existsSync(path));
}

/** Opens a relay that adds `delay` milliseconds each way. */
export async function openRelay(delay: number): Promise<Relay> {
  const server = findSftpServer();
  if (server === undefined) throw new Error('sftp-server is missing: apt-get install openssh-sftp-server');
  const child = fork(fileURLToPath(new URL('relay-process.js', import.meta.url)), [server], { execArgv: [] });
  const answer = async (): Promise<RelayAnswer> => ((await once(child, 'message')) as [RelayAnswer])[0];
  // Answers carry no number: one question at a time.
  let last: Promise<unknown> = Promise.resolve();
  const ask = (order: RelayOrder): Promise<RelayStats> => {
    const next = last.then(async () => {
      const heard = answer();
      child.send(order);
      const said = await heard;
      if (!('stats' in said)) throw new Error('the relay answers out of turn');
      return said.stats;
    });
    last = next.catch(() => undefined);
    return next;
  };
  const first = await answer();
  const relay: Relay = {
    port: 'port' in first ? first.port : 0,
    stats: () => ask({ order: 'stats' }),
    reset: async () => {
      await ask({ order: 'reset' });
    },
    setDelay: async (next) => {
      await ask({ order: 'delay', delay: next });
    },
    hang: () => {
      child.kill('SIGSTOP');
    },
    resume: () => {
      child.kill('SIGCONT');
    },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      relay.resume();
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
      await gone;
      clearTimeout(timer);
    },
  };
  await relay.setDelay(delay);
  return relay;
}
