#!/usr/bin/env node
import { reportFailure } from './cli/failure.js';
import { programWith } from './cli/program.js';
import type { WorkerFlags } from './cli/worker.js';

/** The worker's code takes half a second to load: only when it is asked for. */
async function runWorker(flags: WorkerFlags): Promise<number> {
  const worker = await import('./worker.js');
  return worker.runWorker(flags);
}

// `… | head` closes our output early: that is no failure of ours
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await programWith(runWorker).parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
