import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import type { Ledger, LedgerMeta } from './ledger.js';
import type { PassEnd } from './pass.js';
import type { PassKind, PassOptions } from './types.js';
import type { Kept } from './way-back.js';
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

/**
 * What a pass is, whatever it was called: the first one is a seed, and so is each shard of it; only the final one is
 * asked for.
 */
export function kindOf(ledger: Ledger, { kind, only }: Pick<PassOptions, 'kind' | 'only'>): PassKind {
  const { open, began } = ledger.meta();
  if (open === 'final') return 'final';
  return began === 0 || (kind === 'seed' && only !== undefined) ? 'seed' : 'delta';
}

/** Closes a pass that came to its end. */
export function endPass(ledger: Ledger, { outcome, walkedAll }: PassEnd, kind: PassKind): void {
  const { started, generation, rebuilt } = ledger.meta();
  // a pass that left something out is not the one whose beginning tells old files from new ones
  ledger.amend({
    open: null,
    ...(outcome === 'done' ? { began: started } : {}),
    ...(outcome === 'done' && kind === 'final' ? { final: generation } : {}),
    ...(rebuilt === 'now' ? { rebuilt: 'before' } : {}),
  });
  if (rebuilt === 'before' && walkedAll) ledger.forget('rebuilt');
}

/** What the ledger notes of how exactly a share keeps what is copied to it, for the way back. */
export function shareOf(rules: Rules): NonNullable<LedgerMeta['share']> {
  const { granularity, earliest, latest, owner, owners, modes } = rules;
  return {
    ...{ granularity: String(granularity), earliest: String(earliest), latest: String(latest) },
    // given to another owner on purpose: his is none to take back
    ...{ owners: owners && owner === undefined, modes },
  };
}

/** The same, out of the ledger. */
export function keptBy({ granularity, earliest, latest, owners, modes }: NonNullable<LedgerMeta['share']>): Kept {
  return {
    ...{ granularity: BigInt(granularity), earliest: BigInt(earliest), latest: BigInt(latest) },
    ...{ owners: owners ?? true, modes: modes ?? true },
  };
}
