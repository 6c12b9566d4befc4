import { hashOf } from '../production/old-server.js';

/** The domain of the load's own message IDs. */
export const LOAD_DOMAIN = 'load.test';

/** The `Message-ID` in a message or its head, without brackets; empty without one. */
export function idOf(message: Buffer): string {
  return /^Message-ID:\s*<([^>]*)>/im.exec(message.toString('latin1'))?.[1] ?? '';
}

/** The hash by which a message is compared: servers put lines above one that comes in, so that of its body then. */
export function comparedHash(id: string, message: Buffer): string {
  if (!id.endsWith(`@${LOAD_DOMAIN}`)) return hashOf(message);
  const end = message.indexOf('\r\n\r\n');
  return hashOf(end === -1 ? Buffer.alloc(0) : message.subarray(end + 4));
}
