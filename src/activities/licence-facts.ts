import { isInstalled } from '../icewarp/layout.js';
import { printOfLicence } from '../icewarp/licence-xml.js';
import type { LicencePrint } from '../icewarp/licence-xml.js';
import { Tool } from '../icewarp/tool.js';
import { FACTS } from '../icewarp/variables.js';
import { readLicenceStatus } from './licence.js';
import type { Procedure } from './resource.js';

/** What must be equal on every node (G2), without holder, order or machine. */
export interface LicenceFacts extends LicencePrint {
  /** `C_LicenseStatus`. */
  readonly status: number;
}

/** Reads a node's licence; null where IceWarp is not installed. */
export const licenceFacts: Procedure<{ readonly directory: string }, LicenceFacts | null, 'node'> = {
  place: 'node',
  async run({ directory }, { signal }) {
    if (!(await isInstalled(directory))) return null;
    const tool = new Tool(directory, signal);
    return { status: await readLicenceStatus(tool), ...printOfLicence(await tool.get(FACTS.licenceXml)) };
  },
};
