import { readFileSync, realpathSync } from 'node:fs';

import type { Ledger, LedgerMeta } from './ledger.js';
import type { PassOptions } from './types.js';
import type { Rules } from './work.js';

/** What a probe found, as the ledger keeps it: numbers of 64 bits as text. */
export type KeptRules = {
  readonly [Key in keyof Rules]: bigint extends Rules[Key] ? string : Rules[Key];
};

/**
 * What an earlier probe found out about the destination; undefined when it has to be asked again: it is mounted in
 * another way by now, or something surprised the pass that came after.
 */
export function knownRules(ledger: Ledger, { destination, owner }: PassOptions): Rules | undefined {
  const { probed } = ledger.meta();
  if (probed?.mount !== mountOf(destination)) return undefined;
  const { owner: _, granularity, earliest, latest, ...others } = probed.rules;
  return {
    ...others,
    ...{ granularity: BigInt(granularity), earliest: BigInt(earliest), latest: BigInt(latest) },
    ...(owner === undefined ? {} : { owner }),
  };
}

/** Keeps what a probe found for later passes. */
export function noteRules(ledger: Ledger, { destination }: PassOptions, rules: Rules): void {
  const { granularity, earliest, latest, ...others } = rules;
  const kept: KeptRules = {
    ...others,
    ...{ granularity: String(granularity), earliest: String(earliest), latest: String(latest) },
  };
  const probed: LedgerMeta['probed'] = { mount: mountOf(destination), rules: kept };
  ledger.amend({ probed });
}

/** What is mounted where a folder is, and how: known without asking a server. */
function mountOf(folder: string): string {
  const path = `${realpathSync(folder)}/`;
  let [found, longest] = ['', -1];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [mount = '', ...rest] = line.split(' ').slice(4);
    const name = mount.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
    // of several in one place the last one is the one that is seen
    if (name.length < longest || !path.startsWith(name === '/' ? '/' : `${name}/`)) continue;
    [found, longest] = [`${mount} ${rest.join(' ')}`, name.length];
  }
  return found;
}
