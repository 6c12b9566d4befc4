import { describe, expect, it } from '@jest/globals';

import { bootScript, PRIVATE_FOLDERS } from '../../src/lab/boot-script.js';

const PLAN = { hostName: 'mail-a', disk: '/root/lab/A', staging: '/root/lab/run', shareDisk: '/root/lab/share' };

describe('the boot script of a machine', () => {
  it('takes hold of every outside folder before the machine’s own folders hide it', () => {
    const script = bootScript({ ...PLAN, keep: ['/opt/product', '/root/.nvm/bin/node'] });
    const firstHidden = script.indexOf(`/run/icewarp-lab/disk${PRIVATE_FOLDERS[0]}`);
    for (const outside of [PLAN.disk, PLAN.shareDisk, '/opt/product', '/root/.nvm/bin/node']) {
      expect(script.indexOf(`--bind '${outside}'`)).toBeGreaterThan(0);
      expect(script.lastIndexOf(`--bind '${outside}'`)).toBeLessThan(firstHidden);
    }
  });

  it('keeps only what would be hidden, and a folder inside a kept one not again', () => {
    const script = bootScript({ ...PLAN, keep: ['/usr/bin/node', '/root/product', '/root/product/node'] });
    expect(script).not.toContain('/usr/bin/node');
    expect(script).not.toContain("'/root/product/node'");
  });

  it('quotes paths, so that a folder’s name is never a command', () => {
    const script = bootScript({ ...PLAN, disk: "/tmp/it's; reboot", keep: [] });
    expect(script).toContain("'/tmp/it'\\''s; reboot'");
  });
});
