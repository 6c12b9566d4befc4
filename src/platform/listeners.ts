import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { createServer, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** A TCP port that a program has taken on this machine. */
export interface Listener {
  /** Where it listens; `0.0.0.0` and `::` mean every address. */
  readonly address: string;
  readonly port: number;
  /** The kernel's number of the socket, by which its program is found. */
  readonly inode: string;
}

/** A TCP connection in which this machine takes part. */
export interface Connection {
  readonly local: SocketPlace;
  readonly peer: SocketPlace;
}

/** One end of a connection. */
export interface SocketPlace {
  readonly address: string;
  readonly port: number;
}

const ESTABLISHED = '01';
const LISTENING = '0A';

/** Every TCP port on which a program of this machine listens, as the kernel tells it. */
export async function listeners(): Promise<readonly Listener[]> {
  return (await socketTables()).flatMap(parseListeners);
}

/** Every TCP connection of this machine that is open both ways, as the kernel tells it. */
export async function connections(): Promise<readonly Connection[]> {
  return (await socketTables()).flatMap(parseConnections);
}

/** The addresses of this machine's network cards; not those of the loopback. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((card = []) =>
    card.filter(({ internal }) => !internal).map(({ address }) => normal(address)),
  );
}

/** Whether a program of this machine can listen at an address: it is one of its own. Listens at no known port, for a moment. */
export async function isOwn(address: string): Promise<boolean> {
  const server = createServer().listen({ host: address, port: 0, exclusive: true });
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** The listening sockets in one of the kernel's tables (proc_pid_net(5)): addresses in hexadecimal, by machine words. */
export function parseListeners(table: string): Listener[] {
  return parseSockets(table).flatMap(({ local, state, inode }) => (state === LISTENING ? [{ ...local, inode }] : []));
}

/** The open connections in one of the kernel's tables. */
export function parseConnections(table: string): Connection[] {
  return parseSockets(table).flatMap(({ local, peer, state }) => (state === ESTABLISHED ? [{ local, peer }] : []));
}

async function socketTables(): Promise<readonly string[]> {
  // a machine without IPv6 has no second table
  return Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')));
}

interface KernelSocket extends Connection {
  readonly state: string;
  readonly inode: string;
}

function parseSockets(table: string): KernelSocket[] {
  return table.split('\n').flatMap((line) => {
    const [, one = '', other = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
    const [local, peer] = [placeOf(one), placeOf(other)];
    return local === null || peer === null ? [] : [{ local, peer, state, inode }];
  });
}

function placeOf(text: string): SocketPlace | null {
  const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? [];
  return address === '' ? null : { address: addressOf(address), port: parseInt(port, 16) };
}

/** Whether a listener keeps others from taking its port at an address. */
export function takes({ address }: Listener, wanted: string): boolean {
  if (address === '0.0.0.0') return !isIPv6(wanted);
  return address === '::' || address === normal(wanted);
}

/** The program behind a socket; undefined where it has ended or is not to be seen from here. */
export async function holderOf({
  inode,
}: Listener): Promise<{ readonly pid: number; readonly name: string } | undefined> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  for (const pid of pids) {
    const handles = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const handle of handles) {
      if ((await readlink(`/proc/${pid}/fd/${handle}`).catch(() => '')) !== `socket:[${inode}]`) continue;
      const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      return name === '' ? undefined : { pid: Number(pid), name };
    }
  }
  return undefined;
}

function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
  if (bytes.length === 4) return bytes.join('.');
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped
    ? bytes.slice(12).join('.')
    : normal(
        Buffer.from(bytes)
          .toString('hex')
          .replace(/.{4}(?=.)/g, '$&:'),
      );
}

/** One spelling for each address: IPv6 has many. */
function normal(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}
