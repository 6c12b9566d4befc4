/** An account of the operating system. */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A group of the operating system. */
export interface OsGroup {
  readonly name: string;
  readonly gid: number;
}

export type ServiceVerb = 'start' | 'stop' | 'restart' | 'reload';

/**
 * What the product asks of an operating system. The only room that knows which commands answer it; everything else
 * is the same on every platform.
 */
export interface Platform {
  readonly kind: 'linux' | 'windows';
  readonly users: {
    find(name: string): Promise<OsUser | null>;
    /** The name that already has this number, if any. */
    nameOf(uid: number): Promise<string | null>;
    /** Makes a user without log-in, in the existing group that has its `gid`. */
    create(user: OsUser, signal: AbortSignal): Promise<void>;
    /**
     * Removes the user, and the group of the same name where the platform couples them; leaves its files.
     *
     * @throws RolloutError USER_CONFLICT while processes run as that user.
     */
    remove(name: string, signal: AbortSignal): Promise<void>;
  };
  readonly groups: {
    find(name: string): Promise<OsGroup | null>;
    /** The name that already has this number, if any. */
    nameOf(gid: number): Promise<string | null>;
    create(group: OsGroup, signal: AbortSignal): Promise<void>;
    remove(name: string, signal: AbortSignal): Promise<void>;
  };
  readonly services: {
    run(service: string, verb: ServiceVerb, signal: AbortSignal): Promise<void>;
    running(service: string, signal: AbortSignal): Promise<boolean>;
    /** null: there is no such service. */
    startsAtBoot(service: string, signal: AbortSignal): Promise<boolean | null>;
    setStartAtBoot(service: string, enabled: boolean, signal: AbortSignal): Promise<void>;
  };
  readonly mounts: {
    /** The file that says what is mounted at boot. */
    readonly table: string;
    /** The folder for credentials files, readable by the administrator only. */
    readonly credentials: string;
    /** Tells the machine that `table` changed. */
    tableChanged(signal: AbortSignal): Promise<void>;
    /** Whether something is mounted at the path. */
    mounted(path: string): Promise<boolean>;
    /** The kind of file system that a folder lies in, such as `nfs4`; empty where it is not known. */
    type(path: string): Promise<string>;
    /** Why the mount that a folder lies in is no place for several nodes' mail, in words; empty when it is one. */
    harmful(path: string): Promise<readonly string[]>;
    /**
     * Mounts what `table` names for the path.
     *
     * @throws RolloutError SHARE_DENIED, SHARE_UNREACHABLE or MOUNT_FAILED.
     */
    mount(path: string, signal: AbortSignal): Promise<void>;
    /** @throws RolloutError MOUNT_BUSY while it is in use. */
    unmount(path: string, signal: AbortSignal): Promise<void>;
    /** Whether nobody, not even the administrator, can write into the folder. */
    sealed(path: string, signal: AbortSignal): Promise<boolean>;
    /** Makes a folder unwritable for everybody, or writable again. Where the file system cannot do it, nothing changes. */
    seal(path: string, sealed: boolean, signal: AbortSignal): Promise<void>;
  };
}
