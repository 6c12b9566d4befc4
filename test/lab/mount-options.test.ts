import { describe, expect, it } from '@jest/globals';

import { MountRefusal, parseCredentials, parseMountArguments } from '../../src/lab/mount-options.js';

describe('the command line of mount.cifs', () => {
  it('is understood as mount(8) writes it', () => {
    const options = 'rw,credentials=/etc/c,port=4450,uid=1500,vers=3.1.1';
    expect(parseMountArguments(['//192.0.2.1/icewarp/deep/er/', '/mnt/x', '-n', '-o', options])).toEqual({
      host: '192.0.2.1',
      share: 'icewarp',
      folder: 'deep/er',
      target: '/mnt/x',
      port: 4450,
      credentials: '/etc/c',
      readOnly: false,
      pretend: false,
    });
  });

  it('keeps every character of a password but the comma that ends it', () => {
    expect(parseMountArguments(['//h/s', '/m', '-o', 'user=u,pass=a=b-._']).password).toBe('a=b-._');
  });

  it.each([[[]], [['//host/share']], [['host', '/mnt']], [['//host', '/mnt']]])(
    'refuses %j with exit code 1',
    (args) => {
      expect(() => parseMountArguments(args)).toThrow(MountRefusal);
      expect(() => parseMountArguments(args)).toThrow(expect.objectContaining({ exitCode: 1 }));
    },
  );
});

describe('a credentials file', () => {
  it('may name its parts either way and hold an equals sign in the password', () => {
    expect(parseCredentials('user=a\r\npass=b=c\ndomain=d\n')).toEqual({ user: 'a', password: 'b=c', domain: 'd' });
    expect(parseCredentials('  username=a\npassword= b \n')).toEqual({ user: 'a', password: ' b ' });
  });
});
