import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import type { Installation } from './installation.js';
import { isRunning, pidFile, type Module } from './modules.js';
import { endGroup, livePid } from './processes.js';
import { createDefaultDatabases } from './server-databases.js';
import { isMailStoreAvailable, type Server } from './server.js';

/** Modules that do something; the others only exist. They start as root, to bind their ports. */
const SERVING: ReadonlySet<Module> = new Set(['control', 'pop3', 'smtp']);

/** Milliseconds: a real server is given two minutes to stop; these need far less. */
const STOP_GRACE = 10_000;
const START_LIMIT = 15_000;

/** Starts what is not running yet, and returns when each serves. @throws Error naming the modules that did not start. */
export async function startModules(server: Server, modules: readonly Module[]): Promise<void> {
  if (!isMailStoreAvailable(server)) throw new Error('provisioned.dat is not in the mail folder: nothing is started');
  await createDefaultDatabases(server);
  const { runPath, processUser } = server.installation;
  mkdirSync(runPath, { recursive: true });
  if (process.getuid?.() === 0) chownSync(runPath, processUser.uid, processUser.gid);
  const stopped = modules.filter((module) => !isRunning(server.installation, module));
  const results = await Promise.allSettled(stopped.map((module) => start(server, module)));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  if (failures.length > 0) throw new Error(failures.join('; '));
}

/** Stops modules and waits for the real end of each of their processes. */
export async function stopModules(installation: Installation, modules: readonly Module[]): Promise<void> {
  await Promise.all(modules.map((module) => stop(installation, module)));
}

async function stop(installation: Installation, module: Module): Promise<void> {
  const file = pidFile(installation, module);
  const pid = livePid(file, installation.directory);
  if (pid !== undefined) await endGroup(pid, STOP_GRACE);
  rmSync(file, { force: true });
}

async function start(server: Server, module: Module): Promise<void> {
  const { installation } = server;
  const file = pidFile(installation, module);
  rmSync(file, { force: true });
  const child = spawnModule(server, module);
  child.unref();
  // A program of ours writes its pid file itself, when it serves; the others are ready as soon as they are.
  if (child.pid !== undefined && !SERVING.has(module)) writeFileSync(file, `${child.pid}\n`);
  const limit = Date.now() + START_LIMIT;
  while (!existsSync(file)) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${module} ended at its start`);
    if (Date.now() > limit) throw new Error(`${module} did not get ready`);
    await sleep(20);
  }
}

/** Starts a module in a session of its own; what it says goes to `<install>/var/<module>.out`. */
function spawnModule({ installation, machine }: Server, module: Module): ChildProcess {
  const { processUser, directory, runPath } = installation;
  const output = openSync(`${runPath}${module}.out`, 'w', 0o600);
  const script = fileURLToPath(new URL(`./${module}-service.js`, import.meta.url));
  const common: SpawnOptions = {
    // Like the real ones, a module is found by its path below the installation.
    argv0: `${directory}/${module}`,
    cwd: directory,
    detached: true,
    stdio: ['ignore', output, output],
  };
  try {
    if (SERVING.has(module)) return spawn(machine.node, [script], common);
    const isRoot = process.getuid?.() === 0;
    return spawn('/bin/sleep', ['infinity'], {
      ...common,
      ...(isRoot ? { uid: processUser.uid, gid: processUser.gid } : {}),
    });
  } finally {
    closeSync(output);
  }
}
