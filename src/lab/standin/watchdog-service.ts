import { setTimeout as sleep } from 'node:timers/promises';

import { reasonOf } from './file-errors.js';
import { readLabMachine } from './machine.js';
import { isRunning, type Module } from './modules.js';
import { loadServer } from './server.js';
import { startModules } from './services.js';
import { WATCHDOG } from './variables.js';

const { watchdogPeriod = 1 } = readLabMachine();
const parent = process.ppid;

/** Starts again what is stopped and watched: in the middle of a copy, too, if nobody switched it off before. */
async function look(): Promise<void> {
  const server = loadServer();
  const stopped = (Object.keys(WATCHDOG) as (keyof typeof WATCHDOG)[]).filter(
    (module) => server.settings.isOn(WATCHDOG[module]) && !isRunning(server.installation, module),
  );
  if (stopped.length > 0) await startModules(server, stopped satisfies readonly Module[]);
}

// without its control service, which may have been killed, there is no watchdog
while (process.ppid === parent) {
  await sleep(watchdogPeriod * 1000);
  await look().catch((error: unknown) => console.error(`watchdog: ${reasonOf(error)}`));
}
