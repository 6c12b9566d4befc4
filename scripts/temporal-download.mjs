// Temporal's official download, as its SDK uses it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ask } from './say.mjs';

const CONNECT_MILLISECONDS = 10_000;
const DOWNLOAD_MILLISECONDS = 300_000;
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/**
 * Puts `temporal` into `folder`.
 *
 * @returns why not in one line; empty when it is there
 */
export async function download(folder) {
  const arch = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || arch === undefined) return `not offered for ${process.platform} ${process.arch}`;
  try {
    const query = new URLSearchParams({ platform: 'linux', arch, format: 'tar.gz' });
    const release = await get(`https://temporal.download/cli/default?${query}`, CONNECT_MILLISECONDS);
    const { archiveUrl } = await release.json();
    if (!String(archiveUrl).startsWith('https://')) return 'its answer names no https address';
    const archive = join(folder, 'temporal.tar.gz');
    const response = await get(archiveUrl, DOWNLOAD_MILLISECONDS);
    writeFileSync(archive, Buffer.from(await response.arrayBuffer()));
    return ask('tar', ['-xzf', archive, '-C', folder, '--no-same-owner', 'temporal']).why;
  } catch (error) {
    return error.cause?.message ?? error.message;
  }
}

async function get(address, milliseconds) {
  const response = await fetch(address, { signal: AbortSignal.timeout(milliseconds) });
  if (!response.ok) throw new Error(`${new URL(address).host} answered ${response.status}`);
  return response;
}
