#!/usr/bin/env node
import { reportFailure } from './cli/failure.js';
import { programWith, type Entries } from './cli/program.js';

/** Their code takes half a second to load: only when it is asked for. */
const entries: Entries = {
  worker: async (flags) => (await import('./worker.js')).runWorker(flags),
  recover: {
    node: async (flags) => (await import('./recover.js')).runRecover(flags),
    rollout: async (file, flags) => (await import('./reset.js')).runReset(file, flags),
  },
};

// `… | head` closes our output early: that is no failure of ours
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await programWith(entries).parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
