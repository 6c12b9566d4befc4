import { RolloutError } from '../cluster/errors.js';
import { nodesOf, withAdmission } from './haproxy/admitted.js';
import { observeHaproxy, readConfiguration, type HaproxyObserved } from './haproxy/observed.js';
import { DEBIAN_PLACES, type HaproxyPlaces } from '../platform/haproxy/places.js';
import { provenanceOf } from '../platform/haproxy/seal.js';
import { putIntoForce } from './haproxy/service.js';
import type { Change, Context, Resource } from './resource.js';

/** One node is let into the balancer: from now on users may meet it. */
export interface AdmissionDesired {
  /** HAProxy's configuration file, rendered by `balancer`. */
  readonly file: string;
  /** The node's id. */
  readonly node: string;
}

export interface AdmissionObserved {
  readonly admitted: boolean;
  readonly running: boolean;
  readonly loaded: boolean;
}

/**
 * Lets ONE node into the balancer (procedure, order 1, step 13): only after its probes, one by one. What it changes is
 * one word per service, so its way back needs no kept original: the word.
 */
export function admissionAt(places: HaproxyPlaces): Resource<AdmissionDesired, AdmissionObserved, 'control'> {
  return {
    place: 'control',

    async observe({ file, node }, context) {
      const haproxy = await observeHaproxy(file, places, context);
      if (haproxy.provenance === 'none' || haproxy.provenance === 'foreign') return null;
      return { admitted: haproxy.admitted.includes(node), ...processOf(haproxy) };
    },

    diff({ node }, observed) {
      const changes: Change[] = [];
      if (observed?.admitted !== true) {
        changes.push({ what: `node ${node} in the balancer`, before: 'not let in', after: 'let in' });
      } else if (!observed.running) {
        changes.push({ what: 'HAProxy', before: 'not running', after: 'running' });
      } else if (!observed.loaded) {
        changes.push({ what: 'HAProxy', before: 'runs an older configuration', after: 'runs this one' });
      }
      return changes;
    },

    async apply({ file, node }, context) {
      const text = await ownConfiguration(file);
      if (text === null || !nodesOf(text).includes(node)) {
        throw new RolloutError(
          'BALANCER_REJECTED',
          `${file} is expected to be rendered for node ${node} before the node is let in; it is not`,
        );
      }
      await change(file, text, withAdmission(text, node, true), places, context);
    },

    async restore({ file, node }, before, context) {
      if (before?.admitted === true) return [];
      const text = await ownConfiguration(file);
      if (text !== null) await change(file, text, withAdmission(text, node, false), places, context);
      return [];
    },
  };
}

/** The admission at the places of Debian's package. */
export const admission = admissionAt(DEBIAN_PLACES);

function processOf({ running, loaded }: HaproxyObserved): Omit<AdmissionObserved, 'admitted'> {
  return { running, loaded };
}

/**
 * The file when it is ours, null when it is not there or someone else's.
 *
 * @throws RolloutError CHANGED_MEANWHILE when it is ours with someone else's edits, which we would seal as our own.
 */
async function ownConfiguration(file: string): Promise<string | null> {
  const text = await readConfiguration(file);
  const provenance = provenanceOf(text);
  if (provenance === 'edited') {
    throw new RolloutError('CHANGED_MEANWHILE', `${file} was edited by hand since the rollout rendered it`);
  }
  return provenance === 'ours' ? text : null;
}

async function change(file: string, now: string, then: string, places: HaproxyPlaces, context: Context): Promise<void> {
  const { running, loaded } = await observeHaproxy(file, places, context);
  if (now === then && running && loaded) return;
  await putIntoForce(file, then, places, context);
}
