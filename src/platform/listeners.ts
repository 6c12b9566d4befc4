import { readdir, readFile, readlink } from 'node:fs/promises';
import { isIPv6 } from 'node:net';

/** A TCP port that a program has taken on this machine. */
export interface Listener {
  /** Where it listens; `0.0.0.0` and `::` mean every address. */
  readonly address: string;
  readonly port: number;
  /** The kernel's number of the socket, by which its program is found. */
  readonly inode: string;
}

const LISTENING = '0A';

/** Every TCP port on which a program of this machine listens, as the kernel tells it. */
export async function listeners(): Promise<readonly Listener[]> {
  const tables = await Promise.all(
    // a machine without IPv6 has no second table
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  return tables.flatMap(parseListeners);
}

/** The listening sockets in one of the kernel's tables (proc_pid_net(5)): addresses in hexadecimal, by machine words. */
export function parseListeners(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
    if (state !== LISTENING || address === '') return [];
    return [{ address: addressOf(address), port: parseInt(port, 16), inode }];
  });
}

/** Whether a listener keeps others from taking its port at an address. */
export function takes({ address }: Listener, wanted: string): boolean {
  if (address === '0.0.0.0') return !isIPv6(wanted);
  return address === '::' || address === normal(wanted);
}

/** The name of the program behind a socket; undefined where it has ended or is not to be seen from here. */
export async function programOf({ inode }: Listener): Promise<string | undefined> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  for (const pid of pids) {
    const handles = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const handle of handles) {
      if ((await readlink(`/proc/${pid}/fd/${handle}`).catch(() => '')) !== `socket:[${inode}]`) continue;
      return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim() || undefined;
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
