import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import type { Ledger } from './ledger.js';
import type { PassKind } from './types.js';
import type { Rules } from './work.js';

/** Opens a pass, or goes on with the one that was interrupted; perhaps the machine was started anew since. */
export function beginPass(ledger: Ledger, kind: PassKind): { resumed: boolean; afterBoot: boolean } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const meta = ledger.meta();
  if (meta.open === null) {
    ledger.amend({ generation: meta.generation + 1, open: kind, started: Date.now(), boot, host: hostname() });
    return { resumed: false, afterBoot: false };
  }
  ledger.amend({ open: kind, boot, host: hostname() });
  return { resumed: true, afterBoot: meta.boot !== boot };
}

export function endPass(ledger: Ledger, outcome: string, kind: PassKind): void {
  const { started, generation } = ledger.meta();
  // a pass that left something out is not the one whose beginning tells old files from new ones
  ledger.amend({
    open: null,
    ...(outcome === 'done' ? { began: started } : {}),
    ...(outcome === 'done' && kind === 'final' ? { final: generation } : {}),
  });
}

export function shareOf({ granularity, earliest, latest }: Rules): NonNullable<ReturnType<Ledger['meta']>['share']> {
  return { granularity: String(granularity), earliest: String(earliest), latest: String(latest) };
}
