// The npm packages that package-lock.json names.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { ask, done, Stop, working } from './say.mjs';

const root = resolve(import.meta.dirname, '..');
const TEN_MINUTES = 600;

/** Runs `npm ci` when node_modules is missing or does not hold what package-lock.json says. */
export function ensureNpmPackages() {
  if (!isInstalled()) {
    working('npm packages: npm ci');
    // Development packages always: the build and the tests need them, whatever NODE_ENV says.
    const result = ask('npm', ['--prefix', root, 'ci', '--include=dev', '--no-audit', '--no-fund'], {
      seconds: TEN_MINUTES,
    });
    if (!result.ok) throw new Stop(`npm ci failed: ${result.why}`);
  }
  done('npm packages');
}

/**
 * npm writes node_modules/.package-lock.json as the last act of every installation and names there what it installed.
 * That is a better stamp than one of ours: it is right after `npm install` too, and absent after an interrupted one.
 */
function isInstalled() {
  const installed = packagesIn('node_modules/.package-lock.json');
  if (installed === null) return false;
  const wanted = packagesIn('package-lock.json');
  if (wanted === null) throw new Stop('package-lock.json is missing or unreadable; it belongs to the checkout');
  return Object.entries(wanted).every(([path, entry]) => {
    const found = installed[path];
    // The root itself, and packages for other operating systems and processors.
    if (path === '' || (found === undefined && entry.optional)) return true;
    return found?.version === entry.version && found?.integrity === entry.integrity;
  });
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(resolve(root, file), 'utf8')).packages;
  } catch {
    return null;
  }
}
