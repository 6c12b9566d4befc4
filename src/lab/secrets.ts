import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SECRETS, type SecretName } from './layout.js';

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const DIGITS = '23456789';
const CHARACTERS = `${LETTERS}${DIGITS}-_.`;
const LENGTH = 28;

/**
 * A random password that breaks no shell, no SQL and no connection string; it begins with a letter and ends with a
 * digit, because a mail server's password policy asks for both.
 */
export function randomPassword(): string {
  const middle = Array.from({ length: LENGTH - 2 }, () => oneOf(CHARACTERS));
  return [oneOf(LETTERS), ...middle, oneOf(DIGITS)].join('');
}

function oneOf(characters: string): string {
  return characters.charAt(randomInt(characters.length));
}

/** Makes every password of a lab: one file each, readable by root only. */
export async function writeSecrets(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of SECRETS) await writeFile(join(directory, name), randomPassword(), { mode: 0o600, flag: 'wx' });
}

export function readSecret(directory: string, name: SecretName): string {
  return readFileSync(join(directory, name), 'utf8');
}
