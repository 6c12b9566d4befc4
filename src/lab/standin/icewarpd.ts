import { reasonOf } from './file-errors.js';
import { openInstallation } from './installation.js';
import { loadServer } from './server.js';
import { MODULES, type Module } from './modules.js';
import { startModules, stopModules } from './services.js';

const USAGE = 'usage: icewarpd.sh --start | --stop [all|<module>] | --restart all | --restart <module>   (stand-in)\n';

/** `icewarpd.sh`: returns its exit code. */
async function main(action: string | undefined, target: string | undefined): Promise<number> {
  const modules = chooseModules(action, target);
  if (modules === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (action !== '--start') await stopModules(openInstallation(), modules);
  if (action !== '--stop') await startModules(loadServer(), modules);
  return 0;
}

function chooseModules(action: string | undefined, target: string | undefined): readonly Module[] | undefined {
  if (action === '--start' && target === undefined) return MODULES;
  if (action === '--stop' && (target === undefined || target === 'all')) return MODULES;
  if (action !== '--restart' && action !== '--stop') return undefined;
  if (target === 'all') return MODULES;
  return MODULES.filter((module) => module === target).length === 1 ? [target as Module] : undefined;
}

try {
  process.exitCode = await main(process.argv[2], process.argv[3]);
} catch (error) {
  process.stderr.write(`icewarpd: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
