import { rm } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { sha256Of, sha256OrNull } from '../platform/vault.js';
import { renderConfiguration } from '../platform/haproxy/configuration.js';
import type { BalancerDesired } from '../platform/haproxy/desired.js';
import { observeHaproxy, readConfiguration, type HaproxyObserved } from './haproxy/observed.js';
import { DEBIAN_PLACES, type HaproxyPlaces } from '../platform/haproxy/places.js';
import { loadedSeal } from './haproxy/runtime.js';
import { provenanceOf, sealOf, servesClients, type Provenance } from '../platform/haproxy/seal.js';
import { putIntoForce, reloadOrStart, takenOver } from './haproxy/service.js';
import type { Change, Context, Resource } from './resource.js';

export type { BalancerDesired } from '../platform/haproxy/desired.js';

const FILE_IN_WORDS: Record<Provenance, string> = {
  none: 'no file',
  foreign: 'a file that is not ours',
  ours: 'ours, out of date',
  edited: 'ours, edited by hand since',
};

/**
 * The load balancer (G25, B5, B6): HAProxy's file is ours as a whole, and the running HAProxy has loaded it. Nodes
 * that `admission` has let in stay in; new ones are rendered but take no connections.
 */
export function balancerAt(places: HaproxyPlaces): Resource<BalancerDesired, HaproxyObserved, 'control'> {
  const render = (desired: BalancerDesired, { admitted }: HaproxyObserved): string =>
    renderConfiguration(desired, new Set(admitted), places.socket);
  const observe = (desired: BalancerDesired, context: Context): Promise<HaproxyObserved> =>
    observeHaproxy(desired.file, places, context);
  return {
    place: 'control',
    observe,

    diff(desired, observed) {
      if (observed === null) return [fileChange(desired, 'none')];
      const inDate = observed.sha256 === sha256Of(render(desired, observed));
      return [...(inDate ? [] : [fileChange(desired, observed.provenance)]), ...processChange(observed, inDate)];
    },

    async apply(desired, context) {
      const observed = await observe(desired, context);
      const text = render(desired, observed);
      if (observed.loaded && observed.sha256 === sha256Of(text)) return;
      const original = await readConfiguration(desired.file);
      await context.vault.keep(original === null ? null : Buffer.from(original));
      if (original !== null && observed.provenance === 'foreign' && servesClients(original)) {
        throw new RolloutError('BALANCER_FOREIGN', `${desired.file} is not ours and serves clients of its own`);
      }
      await putIntoForce(desired.file, text, places, context);
    },

    async restore({ file }, before, context) {
      if (before === null) return [];
      const written = await isWritten(file, before);
      if (!before.running) await stopOurs(written, places, context);
      if (written) await putFileBack(file, before, context);
      if (before.running) await putProcessBack(file, places, context);
      return [];
    },
  };
}

/** The balancer at the places of Debian's package. */
export const balancer = balancerAt(DEBIAN_PLACES);

function fileChange({ address, services, nodes }: BalancerDesired, provenance: Provenance): Change {
  const names = nodes.map(({ id, backup }) => (backup ? `${id} (backup)` : id)).join(', ');
  return {
    what: 'HAProxy’s configuration',
    before: FILE_IN_WORDS[provenance],
    after: `${services.map(({ name }) => name).join(', ')} at ${address} for ${names}`,
  };
}

function processChange({ running, loaded }: HaproxyObserved, inDate: boolean): readonly Change[] {
  if (!running) return [{ what: 'HAProxy', before: 'not running', after: 'running' }];
  if (inDate && !loaded) return [{ what: 'HAProxy', before: 'runs an older configuration', after: 'runs this one' }];
  return [];
}

/**
 * Whether the file is as the rollout left it (true) or as it was before (false).
 *
 * @throws RolloutError CHANGED_MEANWHILE when it is neither: then HAProxy, too, is somebody else's now.
 */
async function isWritten(file: string, before: HaproxyObserved): Promise<boolean> {
  const current = await readConfiguration(file);
  if (sha256OrNull(current) === before.sha256) return false;
  if (provenanceOf(current) === 'ours') return true;
  throw new RolloutError(
    'CHANGED_MEANWHILE',
    `${file} is neither as the rollout left it nor as it was before: ${current === null ? 'it is gone' : 'someone else wrote it'}`,
  );
}

/** Stops HAProxy where it runs for us: it may also run on its former file, because somebody has started it since. */
async function stopOurs(written: boolean, { service, socket }: HaproxyPlaces, context: Context): Promise<void> {
  const { agent, signal } = context;
  if (!(await agent.platform.services.running(service, signal))) return;
  const ours = written || (await loadedSeal(socket, signal)) !== null;
  if (ours) await agent.platform.services.run(service, 'stop', signal);
}

async function putFileBack(file: string, before: HaproxyObserved, { vault }: Context): Promise<void> {
  const original = await vault.original(before.sha256);
  if (original === null) await rm(file, { force: true });
  else await writeFileAtomic(file, original, before.attributes ?? {});
}

/** The running HAProxy loads the original again, unless it already has or never took ours over. */
async function putProcessBack(file: string, places: HaproxyPlaces, context: Context): Promise<void> {
  const text = await readConfiguration(file);
  const seal = text === null ? null : sealOf(text);
  const running = await context.agent.platform.services.running(places.service, context.signal);
  if (running && (await loadedSeal(places.socket, context.signal)) === seal) return;
  await reloadOrStart(places, context);
  await takenOver(seal, places, context.signal);
}
