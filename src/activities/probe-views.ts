import type { AccountSpec } from '../cluster/schema.js';
import { loginOf } from './mail/account.js';
import { watchChanges } from './mail/view.js';
import type { Procedure } from './resource.js';

interface ViewedNode {
  readonly id: string;
  readonly address: string;
}

export interface ProbeViewsInput {
  /** Changes are made here. */
  readonly acting: ViewedNode;
  /** Here a session is open meanwhile, and must show them. */
  readonly watching: ViewedNode;
  readonly imap: number;
  readonly domain: string;
  readonly account: AccountSpec;
}

/** Proves that a session on one node sees what is done on another: new mail, flags, moves, deletions (rule 18). */
export const probeViews: Procedure<ProbeViewsInput, { readonly checks: readonly string[] }, 'control'> = {
  place: 'control',
  async run({ acting, watching, imap, domain, account }, context) {
    const view = {
      acting: acting.id,
      watching: watching.id,
      at: {
        acting: { address: acting.address, port: imap },
        watching: { address: watching.address, port: imap },
      },
      login: await loginOf(account, domain, context),
    };
    return { checks: await watchChanges(view, context.signal) };
  },
};
