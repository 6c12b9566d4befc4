import { RolloutError } from '../cluster/errors.js';
import type { SecretRef } from '../cluster/schema.js';
import { isInstalled } from '../icewarp/layout.js';
import { Tool } from '../icewarp/tool.js';
import { ACTIVATE_LICENCE, FACTS } from '../icewarp/variables.js';
import type { Context, Resource } from './resource.js';

/** A licence for this machine, activated before it joins (G2, B10; procedure, rule 11). */
export interface LicenceDesired {
  readonly directory: string;
  /** Activates this order; without it a licence must be there. */
  readonly order?: SecretRef;
}

export interface LicenceObserved {
  /** `C_LicenseStatus`. */
  readonly status: number;
}

/** `C_LicenseStatus` in words; the numbers are deduced from the order in which the vendor lists them. */
const STATUS = [
  'valid',
  'evaluation',
  'of another machine',
  'to be validated again',
  'expired',
  'none',
  'older than this build',
  'of another version',
  'of another version of licence and server',
] as const;
const VALID = 0;
const EVALUATION = 1;

export const licence: Resource<LicenceDesired, LicenceObserved, 'node'> = {
  place: 'node',
  observe,

  diff(desired, observed) {
    if (observed === null) return [{ what: 'licence', before: 'not installed', after: STATUS[VALID] }];
    if (suffices(desired, observed)) return [];
    return [{ what: 'licence', before: licenceStatus(observed.status), after: STATUS[VALID] }];
  },

  async apply(desired, context) {
    const observed = await observe(desired, context);
    if (observed !== null && suffices(desired, observed)) return;
    if (observed === null || desired.order === undefined) {
      const status = observed === null ? 'none' : licenceStatus(observed.status);
      throw new RolloutError('LICENCE_MISSING', `the licence is ${status}, and no order is named to activate`);
    }
    const order = await context.agent.secrets.resolve(desired.order.secret, context.signal);
    await new Tool(desired.directory, context.signal).set(ACTIVATE_LICENCE, order.reveal());
    const after = await observe(desired, context);
    if (after !== null && suffices(desired, after)) return;
    throw new RolloutError('LICENCE_MISSING', `activated, but the licence is ${licenceStatus(after?.status ?? NaN)}`);
  },

  async restore(desired, before, context) {
    const now = await observe(desired, context);
    if (now === null || now.status === before?.status) return [];
    return ['the licence stays activated: that cannot be undone'];
  },
};

/** `C_LicenseStatus` in words. */
export function licenceStatus(status: number): string {
  return STATUS[status] ?? 'in a state that is not known';
}

/** The number that `C_LicenseStatus` holds. @throws RolloutError TOOL_FAILED when it is none. */
export async function readLicenceStatus(tool: Tool): Promise<number> {
  const text = await tool.get(FACTS.licenceStatus);
  if (/^\d+$/.test(text)) return Number(text);
  throw new RolloutError('TOOL_FAILED', `${FACTS.licenceStatus} is no number`);
}

async function observe({ directory }: LicenceDesired, { signal }: Context): Promise<LicenceObserved | null> {
  if (!(await isInstalled(directory))) return null;
  return { status: await readLicenceStatus(new Tool(directory, signal)) };
}

function suffices({ order }: LicenceDesired, { status }: LicenceObserved): boolean {
  return status === VALID || (order === undefined && status === EVALUATION);
}
