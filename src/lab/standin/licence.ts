import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';

import { isMissing } from './file-errors.js';
import type { Server } from './server.js';

/** `C_LicenseStatus`, the values that the stand-in can be in. */
const STATUS = { success: '0', evaluation: '1', referenceMismatch: '2', none: '5' } as const;

/** The kind of licence that an evaluation is here; a real one’s word for it is not known. */
const TRIAL = 'trial';

/** What an order buys unless the lab says otherwise. The tag of the account count is not known, so there is none. */
export const DEFAULT_LICENCE_ITEMS: readonly string[] = ['WEBCLIENTPRO', 'GROUPWARE', 'ACTIVESYNC'];

/**
 * Activates an order: writes the licence file of THIS machine (path.dat line 12, otherwise the installation).
 * How a real server behaves when nodes' licences differ is not known: the stand-in only shows the difference.
 */
export function activateLicence(server: Server, order: string): void {
  if (order.trim() === '') throw new Error('an order ID is needed');
  writeLicence(server, order, 'onpremise');
}

/** Begins an evaluation for whoever gives a name and an address; it never ends here. */
export function obtainTrial(server: Server, holder: string): void {
  if (!holder.includes(';')) throw new Error('name, e-mail and company are needed');
  writeLicence(server, 'trial', TRIAL);
}

function writeLicence(server: Server, order: string, type: string): void {
  const file = licenceFile(server);
  const items = server.machine.licenceItems ?? DEFAULT_LICENCE_ITEMS;
  const lines = [
    '<info>',
    `  <header><purchaseid>${escapeXml(order)}</purchaseid></header>`,
    `  <reference>${reference()}</reference>`,
    '  <license>',
    `    <licensetype>${type}</licensetype>`,
    '    <restrictions>',
    ...items.map((item) => `      <item>${escapeXml(item)}</item>`),
    '    </restrictions>',
    '  </license>',
    '</info>',
  ];
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  const { uid, gid } = server.installation.processUser;
  if (process.getuid?.() === 0) chownSync(file, uid, gid);
}

/** The licence in clear, several lines; empty without one. */
export function licenceXml(server: Server): string {
  try {
    return readFileSync(licenceFile(server), 'utf8').trimEnd();
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/** A licence is bound to the machine: one copied from another node does not count. */
export function licenceStatus(server: Server): string {
  const xml = licenceXml(server);
  if (xml === '') return STATUS.none;
  if (!xml.includes(`<reference>${reference()}</reference>`)) return STATUS.referenceMismatch;
  return xml.includes(`<licensetype>${TRIAL}</licensetype>`) ? STATUS.evaluation : STATUS.success;
}

/** `C_Reference`: the machine's fingerprint, here made of its host name. */
export function reference(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 16).toUpperCase();
}

function licenceFile({ installation }: Server): string {
  return installation.pathDat.licence || `${installation.directory}/license.key`;
}

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
