// Makes this machine ready for `npm test` and `npm run demo`. Works straight after the clone, before `npm ci`, so it
// uses Node built-ins only. Running it again costs about a second.
import { pathToFileURL } from 'node:url';

import { ensureDebianPackages } from './debian-packages.mjs';
import { ensureNpmPackages } from './npm-packages.mjs';
import { runScript, setQuiet, done, Stop } from './say.mjs';
import { ensureTemporalServer } from './temporal-server.mjs';

const OLDEST_NODE = [20, 19];

/**
 * Installs what is missing: npm packages, Debian packages, a Temporal server.
 *
 * @param ownTemporal whether it has to be a server that can be started here
 * @throws Stop with what to do when something cannot be installed from here
 */
export async function bootstrap({ ownTemporal = false } = {}) {
  checkNode();
  ensureNpmPackages();
  ensureDebianPackages();
  await ensureTemporalServer({ own: ownTemporal });
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new Stop(`Node.js ${OLDEST_NODE.join('.')} or newer is needed; this is ${process.versions.node}`);
  }
  done(`Node.js ${process.versions.node}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  setQuiet(process.argv.includes('--quiet'));
  await runScript(() => bootstrap());
}
