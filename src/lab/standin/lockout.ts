import { BlockList, isIPv6 } from 'node:net';

/** What a lab says about blocking and trusting client addresses. Real names of such settings are not known. */
export interface LockoutRules {
  /** Unknown recipients and failed logins of one address after which it is blocked. */
  readonly after: number;
  /** For so long, in seconds; also the time within which they are counted. */
  readonly seconds: number;
  /** Addresses and networks that are never blocked. */
  readonly exempt?: readonly string[];
}

/** UNCONFIRMED: blocks an address that guesses names, as a tarpit or intrusion prevention does; lab only. */
export class Lockout {
  readonly #failures = new Map<string, number[]>();
  readonly #blocked = new Map<string, number>();

  /** Whether this address is blocked now. The rules are read each time: an exemption is felt at once. */
  isBlocked(address: string, rules: LockoutRules | undefined): boolean {
    if (rules === undefined || isIn(address, rules.exempt)) return false;
    return (this.#blocked.get(address) ?? 0) > Date.now();
  }

  /** Counts one failure of this address. */
  note(address: string, rules: LockoutRules | undefined): void {
    if (rules === undefined || isIn(address, rules.exempt)) return;
    const now = Date.now();
    const recent = [...(this.#failures.get(address) ?? []).filter((at) => at > now - rules.seconds * 1000), now];
    this.#failures.set(address, recent);
    if (recent.length >= rules.after) this.#blocked.set(address, now + rules.seconds * 1000);
  }
}

/** Whether an address is one of these, or in one of these networks, such as `192.0.2.0/24`. */
export function isIn(address: string, networks: readonly string[] = []): boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', bits] = network.split('/');
    const family = isIPv6(base) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(base, family);
    else list.addSubnet(base, Number(bits), family);
  }
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
