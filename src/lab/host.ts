import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The compiled tree that this very file is part of. */
export const DIST = realpathSync(fileURLToPath(new URL('../..', import.meta.url)));

/** The node binary that runs this, and that runs the product on the lab's machines. */
export const NODE = realpathSync(process.execPath);

/**
 * The folder that holds the compiled product and every package it imports: the checkout, or, where the product is
 * installed as a package itself, the folder of the outermost `node_modules`.
 */
export function packageRoot(from: string = DIST): string {
  const installed = from.indexOf('/node_modules/');
  if (installed !== -1) return from.slice(0, installed);
  for (let folder = from; folder !== '/'; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
  }
  return from;
}

/** The environment of everything that runs on a machine: nothing of the operator's own session gets in. */
export const MACHINE_ENVIRONMENT = {
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  SHELL: '/bin/sh',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
} as const;
