import { readFile } from 'node:fs/promises';

/** A system's name and version, as it says itself; empty where it does not. */
export interface SystemRelease {
  /** Such as `debian`. */
  readonly id: string;
  /** Such as `12`. */
  readonly version: string;
}

/** Places of os-release(5), the first one that exists. */
const PLACES = ['/etc/os-release', '/usr/lib/os-release'];

/** What this machine's system is. */
export async function systemRelease(): Promise<SystemRelease> {
  for (const place of PLACES) {
    const text = await readFile(place, 'utf8').catch(() => null);
    if (text !== null) return parseRelease(text);
  }
  return { id: '', version: '' };
}

/** Lines such as `VERSION_ID="12"`. */
export function parseRelease(text: string): SystemRelease {
  const valueOf = (key: string): string =>
    (new RegExp(`^${key}=["']?([^"'\\n]*)`, 'm').exec(text)?.[1] ?? '').trim().slice(0, 40);
  return { id: valueOf('ID'), version: valueOf('VERSION_ID') };
}
