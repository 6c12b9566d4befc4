import { existsSync } from 'node:fs';

const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'];

/**
 * The environment in which a program sees a clock that is set by so much, such as `+2s`, and file times likewise. Needs
 * the Debian package libfaketime.
 *
 * @throws Error without that package
 */
export function fakeTime(offset: string): Readonly<Record<string, string>> {
  const library = FOLDERS.map((folder) => `${folder}/faketime/libfaketimeMT.so.1`).find((file) => existsSync(file));
  if (library === undefined) throw new Error('there is no libfaketime: apt-get install faketime');
  // timers must go on as they would
  return { LD_PRELOAD: library, FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}
