import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SECRETS, type SecretName } from './layout.js';

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const CHARACTERS = `${LETTERS}23456789-_.`;
const LENGTH = 28;

/** A random password that breaks no shell, no SQL and no connection string; it begins with a letter. */
export function randomPassword(): string {
  const rest = Array.from({ length: LENGTH - 1 }, () => CHARACTERS[randomInt(CHARACTERS.length)]);
  return [LETTERS[randomInt(LETTERS.length)], ...rest].join('');
}

/** Makes every password of a lab: one file each, readable by root only. */
export async function writeSecrets(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of SECRETS) await writeFile(join(directory, name), randomPassword(), { mode: 0o600, flag: 'wx' });
}

export function readSecret(directory: string, name: SecretName): string {
  return readFileSync(join(directory, name), 'utf8');
}
