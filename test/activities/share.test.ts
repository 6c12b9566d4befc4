import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, it } from '@jest/globals';

import { onOwnMachine } from '../support/own-machine.js';

const ROOT = '/run/export/icewarp';

/** What the scenario noted: support/share-scenario.ts says what it does, the tests here what must come of it. */
let results: Record<string, unknown>;

beforeAll(async () => {
  results = await onOwnMachine(fileURLToPath(new URL('../support/share-scenario.js', import.meta.url)));
}, 120_000);

it('the scenario runs to its end', () => {
  expect(results['crash']).toBeUndefined();
});

describe.each([
  ['shareUser', 1],
  ['shareFolders', 5],
  ['shareExport', 1],
  ['shareAccount', 1],
  ['mount', 3],
  ['localFolders', 3],
  ['autostart', 1],
])('%s', (name, changes) => {
  it(`plans ${changes} changes, makes them, can be applied again, and leaves nothing to do`, () => {
    expect(results[name]).toEqual({ planned: changes, first: 'done', second: 'done', left: [], small: true });
  });
});

describe('the user', () => {
  it('is refused when its name or one of its numbers is taken by another', () => {
    expect(results['userOfAnotherNumber']).toBe('USER_CONFLICT');
    expect(results['numberOfAnotherUser']).toBe('USER_CONFLICT');
  });

  it('is not removed while a process runs as it', () => {
    expect(results['userStillWorking']).toBe('USER_CONFLICT');
  });
});

describe('the share', () => {
  it('belongs to the mail server’s user and to nobody else', () => {
    expect(results['owner']).toBe('1543:1543 750');
  });

  it('of another cluster is refused', () => {
    expect(results['foreignShare']).toBe('SHARE_FOREIGN');
  });

  it('keeps names apart that differ by case', () => {
    expect(results['written']).toEqual(['Case', 'case']);
  });

  it('is not opened by a wrong password, even where Samba maps that to a guest', () => {
    expect(results['wrongPassword']).toBe(false);
  });

  it('that does not answer is an outage', () => {
    expect(results['accountWithoutServer']).toBe('SHARE_UNREACHABLE');
  });

  it('does not change the password of an account that it did not make', () => {
    expect(results['accountOfSomebodyElse']).toBe('SHARE_DENIED');
  });
});

describe('the mount', () => {
  it('is held when the server refuses the account; its empty mount point then takes no file', () => {
    expect(results['mountDenied']).toBe('SHARE_DENIED');
    expect(results['sealedPoint']).toBe('0');
    expect(results['undoOfFailedMount']).toEqual({ kept: [], table: true });
  });

  it('is taken away at once when what is mounted is not this cluster’s share', () => {
    expect(results['otherFolderMounted']).toBe('SHARE_FOREIGN');
    expect(results['stillMounted']).toBe(false);
  });

  it('keeps the password out of the mount table', () => {
    expect(results['secretInTable']).toBe(false);
    expect(results['credentialsMode']).toBe('600');
  });

  it('that is the operator’s own work is only looked at', () => {
    expect(results['mountedBefore']).toBe('SHARE_NOT_MOUNTED');
    expect(results['mountedAfter']).toBe('done');
  });
});

describe('the proof of the share', () => {
  it('is seen by the nodes and leaves nothing behind', () => {
    expect(results['seen']).toEqual({ seen: 4 });
    expect(results['removed']).toEqual({ seen: 4 });
    expect(results['leftByProofs']).toEqual([]);
  });

  it('fails for a user who may not write there', () => {
    expect(results['proofByStranger']).toBe('FOLDER_UNWRITABLE');
  });

  it('is not made on a folder that only looks like the share', () => {
    expect(results['proofOnLocalDisk']).toBe('SHARE_NOT_MOUNTED');
  });

  it('fails when another node’s file never shows', () => {
    expect(results['neverSeen']).toBe('SHARE_STALE');
  });
});

describe('going back', () => {
  it('undoes every step, twice if need be, and keeps what holds mail', () => {
    expect(results['undone']).toEqual({
      autostart: [],
      localFolders: [],
      mount: [],
      shareAccount: [],
      shareExport: [],
      shareFolders: [`${ROOT}/share/mail stays: it holds files`, `${ROOT}/share stays: it holds files`],
      shareUser: [],
    });
    expect(results['accountLeft']).toBe(false);
    expect(String(results['share'])).toContain('icewarp/share/mail/message.imap');
    expect(String(results['share'])).not.toContain('icewarp/share/config');
  });

  it('leaves users, mount table, folders and boot links as they were, and other people’s lines in their files', () => {
    expect(results['different']).toEqual(['/etc/samba/smb.conf', '/run/export']);
    expect(results['smb.conf']).toBe('\n# a comment of the administrator\n');
  });

  it('removes the shared folders once they are empty', () => {
    expect(results['foldersOnceEmpty']).toEqual([]);
    expect(results['rootGone']).toBe(true);
  });
});
