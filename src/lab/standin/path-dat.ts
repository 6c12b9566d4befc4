import { readFileSync } from 'node:fs';

import { isMissing } from './file-errors.js';

/** The lines of `path.dat` that the stand-in obeys; an empty one means "default". */
export interface PathDat {
  readonly config: string;
  readonly serverId: string;
  readonly spam: string;
  readonly calendar: string;
  readonly outgoing: string;
  readonly retry: string;
  readonly hostname: string;
  readonly licence: string;
  readonly incoming: string;
  /** `0` master, `1` slave, empty on a stand-alone server. */
  readonly slave: string;
}

/** Reads `<install>/path.dat`; a file that is absent means a stand-alone server. Both line ends are accepted. */
export function readPathDat(installDirectory: string): PathDat {
  const lines = readLines(`${installDirectory}/path.dat`);
  const line = (number: number): string => lines[number - 1]?.trim() ?? '';
  return {
    config: line(1),
    serverId: line(4),
    spam: line(6),
    calendar: line(7),
    outgoing: line(8),
    retry: line(9),
    hostname: line(11),
    licence: line(12),
    incoming: line(13),
    slave: line(14),
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
