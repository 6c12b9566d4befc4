/** Where HAProxy lives on its machine. Tests have a HAProxy of their own elsewhere. */
export interface HaproxyPlaces {
  /** Name of its service. */
  readonly service: string;
  /** Its runtime socket, at level admin: only root may use it. */
  readonly socket: string;
}

/** The places of Debian's package, which its service script and its unit both know. */
export const DEBIAN_PLACES: HaproxyPlaces = { service: 'haproxy', socket: '/run/haproxy/admin.sock' };
