import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Sshfs } from './sshfs.js';

/** A share over sshfs whose server can be stopped in the middle of everything, as a dead file server is. */
export class HungShare {
  private constructor(
    private readonly folder: string,
    private readonly sshfs: Sshfs,
  ) {}

  /** Where it is mounted. */
  get mount(): string {
    return this.sshfs.mount;
  }

  static async create(): Promise<HungShare> {
    const folder = await mkdtemp(join(tmpdir(), 'icewarp-rollout-hung-'));
    const served = join(folder, 'served');
    await mkdir(served);
    return new HungShare(folder, await Sshfs.of(served, join(folder, 'mount')));
  }

  /** From now on whoever uses the share waits in the kernel. */
  hang(): void {
    process.kill(this.sshfs.server, 'SIGSTOP');
  }

  answer(): void {
    process.kill(this.sshfs.server, 'SIGCONT');
  }

  async remove(): Promise<void> {
    this.answer();
    await this.sshfs.unmount();
    await rm(this.folder, { recursive: true, force: true });
  }
}
