import { RolloutError } from '../cluster/errors.js';
import { Tool } from '../icewarp/tool.js';
import { ACCOUNT } from '../icewarp/variables.js';
import { sizeOfTree, treeRoot } from '../platform/tree.js';
import { isQueue, mailInForce } from './queues.js';

/**
 * Stands before everything that puts another accounts database in force: whoever is only in the one in force would be
 * unknown from then on, and mail to them refused.
 *
 * @param own Full addresses of accounts that the rollout itself makes: those of an earlier attempt do not count.
 * @throws RolloutError ACCOUNTS_PRESENT.
 */
export async function refuseAccounts(directory: string, own: readonly string[], signal: AbortSignal): Promise<void> {
  const ours = new Set(own.map((address) => address.toLowerCase()));
  const names = await new Tool(directory, signal).names('account', ACCOUNT.administrator);
  const others = names.filter((name) => !ours.has(name.toLowerCase()));
  if (others.length === 0) return;
  throw new RolloutError(
    'ACCOUNTS_PRESENT',
    `IceWarp in ${directory} has ${others.length} accounts of its own, such as ${others[0] ?? ''}`,
  );
}

/**
 * Stands before a node's switch to the others' mail folder: nobody would see what is in its own any longer.
 *
 * @throws RolloutError ACCOUNTS_PRESENT.
 */
export async function refuseMail(directory: string, signal: AbortSignal): Promise<void> {
  const mail = await mailInForce(directory, signal);
  if (mail === '') return;
  const { files } = await sizeOfTree(treeRoot(mail), { signal, exclude: isQueue });
  if (files > 0) throw new RolloutError('ACCOUNTS_PRESENT', `${mail} holds ${files} files of mail`);
}
