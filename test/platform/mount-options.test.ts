import { describe, expect, it } from '@jest/globals';

import { harmfulOptions, mountLines, mountOf } from '../../src/platform/mount-options.js';

const TABLE = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro',
  '40 22 0:40 / /mnt/my\\040share rw,relatime shared:7 - cifs //srv/mail rw,vers=3.1.1,nobrl',
  '41 22 0:41 / /mnt/icewarp rw,relatime - nfs4 nas:/mail rw,vers=4.2,soft,local_lock=none',
  '42 22 0:42 / /mnt/icewarp rw,relatime - nfs4 nas:/mail rw,vers=4.2,hard,local_lock=none',
  '',
].join('\n');

describe('the mount of a folder', () => {
  it.each([
    ['/mnt/my share/share/mail/', '/mnt/my share', 'cifs'],
    ['/mnt/icewarp', '/mnt/icewarp', 'nfs4'],
    ['/mnt/icewarp-other', '/', 'ext4'],
    ['/var/mail', '/', 'ext4'],
  ])('%s is %s', (folder, point, type) => {
    expect(mountOf(mountLines(TABLE), folder)).toMatchObject({ point, type });
  });

  it('is the last one where several lie on one another', () => {
    expect(mountOf(mountLines(TABLE), '/mnt/icewarp')?.options).toContain('hard');
  });

  it('is none without a table', () => {
    expect(mountOf(mountLines(''), '/mnt')).toBeUndefined();
  });
});

describe('options of a mount', () => {
  it.each([
    ['nfs4', 'rw,hard,local_lock=none', []],
    ['nfs', 'rw,soft', ['soft']],
    ['nfs', 'rw,hard,nolock,local_lock=all', ['nolock', 'local_lock=all']],
    ['nfs', 'rw,softerr', ['softerr']],
    ['nfs4', 'rw,hard,nocto,local_lock=none', ['nocto']],
    ['cifs', 'rw,vers=3.1.1,cache=loose', ['cache=loose']],
    ['cifs', 'rw,vers=3.1.1,cache=strict', []],
    ['cifs', 'rw,nobrl,soft', ['nobrl']],
    ['cifs', 'ro,soft', ['ro']],
    ['ext4', 'ro,soft,nobrl', []],
    ['fuse.sshfs', 'rw,nolock', []],
  ])('of %s, %s: %j are harmful', (type, options, harmful) => {
    const found = harmfulOptions({ point: '/mnt', type, options: options.split(',') });
    expect(found).toHaveLength(harmful.length);
    for (const option of harmful) expect(found.join('\n')).toContain(`${type} is mounted with ${option}: `);
  });
});
