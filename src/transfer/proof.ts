import { join, type ByteName } from './names.js';
import type { Walked } from './walk.js';

export function changeIn(walked: Walked, path: ByteName, isListed: (name: ByteName) => boolean): string | undefined {
  const entries = [...walked.units, walked.linked, walked.perhapsMoved].flatMap((packed) =>
    packed.count === 0 ? [] : packed.names.split('/'),
  );
  const name = [...entries, ...walked.gone.map((gone) => gone.name), ...walked.goneFolders].find(
    (one) => !isListed(one),
  );
  return name === undefined ? walked.failed : join(path, name);
}
