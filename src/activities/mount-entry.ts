import { join } from 'node:path';

import type { SecretRef } from '../cluster/schema.js';
import { readTextOrNull, withoutBlock } from '../platform/marked-block.js';
import type { Platform } from '../platform/platform.js';
import type { Context } from './resource.js';
import type { TextBlock } from './text-block.js';

export interface MountDesired {
  /** As mount.cifs writes it: //server/share. */
  readonly source: string;
  readonly port: number;
  /** Mount point, the same path on every node. */
  readonly target: string;
  readonly user: string;
  /** Numbers that every file shows: the mail server's user. */
  readonly uid: number;
  readonly gid: number;
  readonly password: SecretRef;
  /** Cluster that the sentinel must name. */
  readonly cluster: string;
}

/** Our line of the mount table: mounted at boot, before IceWarp and required by it. */
export function entryOf(desired: MountDesired, { table, credentials }: Platform['mounts']): TextBlock {
  const { source, target, port, uid, gid, cluster } = desired;
  const options = [
    `credentials=${credentialsFile(cluster, credentials)}`,
    `port=${port}`,
    `uid=${uid},gid=${gid},forceuid,forcegid`,
    'file_mode=0660,dir_mode=0770',
    // A server that is away for a minute must delay a write, never lose it.
    'hard',
    'nosuid,nodev',
    '_netdev',
    'x-systemd.mount-timeout=60,x-systemd.before=icewarp.service,x-systemd.required-by=icewarp.service',
  ];
  return { file: table, mark: `mount ${cluster}`, body: `${source} ${target} cifs ${options.join(',')} 0 0` };
}

/** Whether somebody else's line of the mount table is about the same mount point. */
export async function foreignEntry(entry: TextBlock, target: string): Promise<boolean> {
  const others = withoutBlock((await readTextOrNull(entry.file)) ?? '', entry.mark);
  return others.split('\n').some((line) => !line.trimStart().startsWith('#') && line.trim().split(/\s+/)[1] === target);
}

export function credentialsFile(cluster: string, folder: string): string {
  return join(folder, `share-${cluster}.credentials`);
}

/** Content of the credentials file, the way that keeps the password out of arguments and of the mount table. */
export async function credentialsText({ user, password }: MountDesired, { agent, signal }: Context): Promise<string> {
  const secret = await agent.secrets.resolve(password.secret, signal);
  return `username=${user}\npassword=${secret.reveal()}\n`;
}
