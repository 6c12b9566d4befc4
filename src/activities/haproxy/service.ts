import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { RolloutError } from '../../cluster/errors.js';
import { syncDirectory, writeFileAtomic } from '../../platform/atomic-file.js';
import { runCommand } from '../../platform/run.js';
import type { Context } from '../resource.js';
import type { HaproxyPlaces } from '../../platform/haproxy/places.js';
import { loadedSeal } from './runtime.js';
import { sealOf } from '../../platform/haproxy/seal.js';

/** Milliseconds that HAProxy gets to take over a configuration, and between two looks. */
const TAKEOVER = 20_000;
const GLANCE = 100;

/**
 * Makes a configuration of ours the file's content, after HAProxy itself has found it sound, and the running
 * HAProxy's: reloads it, or starts it where it does not run.
 *
 * @throws RolloutError BALANCER_REJECTED when HAProxy finds it wrong (the file is then as before), BALANCER_DOWN when
 * HAProxy does not take it over.
 */
export async function putIntoForce(file: string, text: string, places: HaproxyPlaces, context: Context): Promise<void> {
  await install(file, text, context.signal);
  await reloadOrStart(places, context);
  await takenOver(sealOf(text), places, context.signal);
}

/** Writes the file beside its place, has HAProxy check it, and only then renames it into its place. */
async function install(file: string, text: string, signal: AbortSignal): Promise<void> {
  const candidate = join(dirname(file), `.${basename(file)}.icewarp-rollout-new`);
  await runCommand('haproxy', ['-v'], { signal });
  try {
    await writeFileAtomic(candidate, text, { mode: 0o644 });
    await check(candidate, text, signal);
    await rename(candidate, file);
  } catch (error) {
    await rm(candidate, { force: true });
    throw error;
  }
  await syncDirectory(dirname(file));
}

async function check(candidate: string, text: string, signal: AbortSignal): Promise<void> {
  const { exitCode, stderr } = await runCommand('haproxy', ['-c', '-f', candidate], {
    signal,
    timeout: 60_000,
    accept: [0, 1],
  });
  if (exitCode === 0) return;
  const numbers = [...new Set(Array.from(stderr.matchAll(/icewarp-rollout-new:(\d+)\]/g), ([, line]) => Number(line)))];
  const lines = text.split('\n');
  const named = numbers.map((number) => `${number} ("${lines[number - 1]?.trim() ?? ''}")`).join(', ');
  throw new RolloutError(
    'BALANCER_REJECTED',
    `HAProxy refuses the configuration rendered for it: ${named === '' ? 'it names no line' : `line ${named}`}`,
    { cause: stderr },
  );
}

/** Has HAProxy read its file: a reload where it runs (no connection is lost), a start where it does not. */
export async function reloadOrStart({ service }: HaproxyPlaces, { agent, signal }: Context): Promise<void> {
  const verb = (await agent.platform.services.running(service, signal)) ? 'reload' : 'start';
  try {
    await agent.platform.services.run(service, verb, signal);
  } catch (cause) {
    if (!(cause instanceof RolloutError) || cause.code !== 'COMMAND_FAILED') throw cause;
    throw new RolloutError(
      'BALANCER_DOWN',
      `HAProxy did not ${verb}: its address must be on this machine, and its ports free`,
      { cause },
    );
  }
}

/**
 * Waits until the running HAProxy has loaded the configuration with this seal (null: one that is not ours).
 *
 * A reload under systemd reports success before, and also without, the new process serving: only this look
 * proves it.
 */
export async function takenOver(seal: string | null, { socket }: HaproxyPlaces, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + TAKEOVER;
  while ((await loadedSeal(socket, signal)) !== seal) {
    if (Date.now() > deadline) {
      throw new RolloutError(
        'BALANCER_DOWN',
        `HAProxy has not taken over its new configuration within ${TAKEOVER / 1000} s: its address must be on this machine, and its ports free`,
      );
    }
    await sleep(GLANCE, undefined, { signal });
  }
}
