import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The checkout: the nearest folder above the compiled test that has a package.json and the sources. */
const ROOT = ((): string => {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'src/client.ts'))) return folder;
  }
  throw new Error('the checkout is not above this test');
})();

/** A file of the checkout as text. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Whether the checkout has a file or folder of that name. */
export function isThere(path: string): boolean {
  return existsSync(join(ROOT, path));
}
