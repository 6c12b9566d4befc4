import { noteFolder, touch, type Folder } from './folders.js';
import { forgetIn } from './gone.js';
import type { Ledger } from './ledger.js';
import type { ByteName } from './names.js';
import type { SkippedList } from './skipped.js';

/** Most files of a folder that is filled beside its place. */
export const STAGED_FILES = 10_000;

/** A new folder is to be filled beside its place, under a temporary name. */
export function beginStage(ledger: Ledger, folder: Folder, stage: ByteName): void {
  folder.state = 'staging';
  noteFolder(ledger, folder, { made: 'staging', stage });
}

/** It has been renamed into its place, with everything that is in it. */
export function endStage(ledger: Ledger, folder: Folder): void {
  noteFolder(ledger, folder, { made: 'own', stage: '', settled: true, generation: ledger.meta().generation });
  folder.state = 'ready';
  touch(ledger, folder.parent);
}

/** Somebody made a folder in its place meanwhile: what was filled in vain is swept at the end of the pass. */
export function giveUpStage(ledger: Ledger, skipped: SkippedList, folder: Folder): void {
  ledger.commit();
  const lost = forgetIn(ledger, folder.id);
  if (lost > 0)
    skipped.add(folder.path, 'FOREIGN', `a folder is in its place: the next pass copies ${lost} files again`);
}
