import { rm, stat } from 'node:fs/promises';

import { RolloutError } from '../cluster/errors.js';
import { writeFileAtomic } from '../platform/atomic-file.js';
import type { FileAttributes } from '../platform/atomic-file.js';
import { blockIn, readTextOrNull, withBlock, withoutBlock } from '../platform/marked-block.js';
import { sha256OrNull } from '../platform/vault.js';
import type { VaultSlot } from './agent.js';

/** Our lines in a file of somebody else's. */
export interface TextBlock {
  readonly file: string;
  /** Tells our block from those of other clusters. */
  readonly mark: string;
  readonly body: string;
}

export interface TextBlockObserved {
  /** Of the whole file; null when there is none. */
  readonly sha256: string | null;
  readonly block: 'absent' | 'same' | 'other';
}

export async function observeBlock({ file, mark, body }: TextBlock): Promise<TextBlockObserved> {
  const text = await readTextOrNull(file);
  const found = text === null ? null : blockIn(text, mark);
  const block = found === null ? 'absent' : found === body ? 'same' : 'other';
  return { sha256: sha256OrNull(text), block };
}

/**
 * Keeps the file as it is now. To be called before anything is refused: a refusal asks the operator to edit just this
 * file, and history names the file as it was before that.
 */
export async function keepFile(file: string, vault: VaultSlot): Promise<void> {
  const text = await readTextOrNull(file);
  await vault.keep(text === null ? null : Buffer.from(text));
}

/** Writes the file with the block in it; the original goes to the vault first. `accept` judges the text before. */
export async function applyBlock(
  { file, mark, body }: TextBlock,
  vault: VaultSlot,
  accept: (text: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const text = await readTextOrNull(file);
  const wanted = withBlock(text ?? '', mark, body);
  if (wanted === text) return;
  await keepFile(file, vault);
  await accept(wanted);
  await writeFileAtomic(file, wanted, await attributesOf(file));
}

/**
 * Puts the file back byte for byte where nobody else changed it, otherwise takes only the block out.
 *
 * @throws RolloutError CHANGED_MEANWHILE when somebody edited the block itself.
 */
export async function restoreBlock(block: TextBlock, before: TextBlockObserved, vault: VaultSlot): Promise<void> {
  const { file, mark, body } = block;
  const text = await readTextOrNull(file);
  const sha256 = sha256OrNull(text);
  if (text === null || sha256 === before.sha256) return;
  const found = blockIn(text, mark);
  if (found === null && before.block === 'absent') return;
  if (found !== body) {
    throw new RolloutError('CHANGED_MEANWHILE', `our lines "${mark}" in ${file} are not as this rollout wrote them`);
  }
  const original = (await vault.original(before.sha256))?.toString('utf8') ?? '';
  const former = blockIn(original, mark);
  const unchanged = text === withBlock(original, mark, body);
  const rest = former === null ? withoutBlock(text, mark) : withBlock(text, mark, former);
  const wanted = unchanged ? original : rest;
  if (before.sha256 === null && wanted === '') await rm(file, { force: true });
  else await writeFileAtomic(file, wanted, await attributesOf(file));
}

/** Owner and rights of the file that is about to be replaced; 0644 for a new one. */
async function attributesOf(file: string): Promise<FileAttributes> {
  try {
    const { mode, uid, gid } = await stat(file);
    return { mode: mode & 0o7777, uid, gid };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { mode: 0o644 };
    throw error;
  }
}
