import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { runCommand } from '../../src/platform/run.js';

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority of a test's own, in a folder of its own. */
export class Authority {
  private constructor(
    private readonly folder: string,
    /** The file of its certificate. */
    readonly certificate: string,
  ) {}

  static async made(): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-ca-'));
    const [key, certificate] = [join(folder, 'ca.key'), join(folder, 'ca.pem')];
    const request = ['req', '-x509', ...CURVE, '-days', '2', '-subj', '/CN=test authority'];
    await runCommand('openssl', [...request, '-keyout', key, '-out', certificate]);
    return new Authority(folder, certificate);
  }

  /** The files of a certificate that it signs, and of that one's key. */
  async signs(name: string): Promise<{ readonly certificate: string; readonly key: string }> {
    const at = (suffix: string): string => join(this.folder, `${name}.${suffix}`);
    await writeFile(at('ext'), `subjectAltName=DNS:${name}\n`);
    await runCommand('openssl', [
      'req',
      '-new',
      ...CURVE,
      '-subj',
      `/CN=${name}`,
      '-keyout',
      at('key'),
      '-out',
      at('req'),
    ]);
    const own = ['-CA', this.certificate, '-CAkey', join(this.folder, 'ca.key'), '-CAcreateserial'];
    const sign = ['x509', '-req', '-days', '1', '-in', at('req'), '-out', at('pem'), '-extfile', at('ext')];
    await runCommand('openssl', [...sign, ...own]);
    return { certificate: at('pem'), key: at('key') };
  }

  async forget(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
