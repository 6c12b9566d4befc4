import { type Addresses, fullHostName, LAB_DOMAIN, NODES } from '../../../src/lab/layout.js';
import { CLIENT_NAME, good, spf, surround, type Surroundings } from '../surroundings.js';
import type { Trap } from './trap.js';

/** A trap in which the surroundings differ from good ones. */
function trap(
  said: Pick<Trap, 'fault' | 'finds' | 'words' | 'also'>,
  other: (addresses: Addresses, usual: ReturnType<typeof good>) => Partial<Surroundings>,
): Trap {
  return {
    ...said,
    set: async (cluster) => {
      const usual = good(cluster.lab.addresses);
      const { heal } = await surround(cluster, { ...usual, ...other(cluster.lab.addresses, usual) });
      return heal;
    },
  };
}

/** The same records but for those that begin so. */
function instead(records: readonly string[], begin: string, ...others: readonly string[]): { records: string[] } {
  return { records: [...records.filter((line) => !line.startsWith(begin)), ...others] };
}

const ofName = `host-record=${CLIENT_NAME},`;
const ofB = `host-record=${fullHostName('B')},`;
const REFUSED = /refused the connection/;
const DENIED = /greeted with 554/;
const UNTRUSTED = /an issuer that this machine does not know/;
const certificateAt = `control/certificate/${CLIENT_NAME}`;

/** Faults of what the Internet and the clients see: the lab's surroundings are real servers. */
export const OUTSIDE_TRAPS: readonly Trap[] = [
  trap(
    {
      fault: 'a client name that leads to a node',
      finds: `control/names/${CLIENT_NAME}-elsewhere`,
      words: /leads to .*\.11, /,
    },
    ({ A }, { records }) => instead(records, ofName, `address=/${CLIENT_NAME}/${A}`),
  ),
  trap(
    {
      fault: 'a client name whose old address is kept for a day',
      finds: `control/names/${CLIENT_NAME}-ttl`,
      words: /for 86400 s/,
      also: { [`control/names/${CLIENT_NAME}-elsewhere`]: /mail\.lab\.test leads to 127\./ },
    },
    ({ database }, { records }) => instead(records, ofName, `${ofName}${database},86400`),
  ),
  trap(
    {
      fault: 'a client name that nobody knows',
      finds: `control/names/${CLIENT_NAME}-unknown`,
      words: /has no address/,
    },
    (_, { records }) => instead(records, ofName),
  ),
  trap(
    {
      fault: 'mail from outside that goes to one node',
      finds: 'control/names/mx-node',
      words: /goes to mail-b\.lab\.test/,
    },
    (_, { records }) => instead(records, 'mx-host', `mx-host=${LAB_DOMAIN},${fullHostName('B')},10`),
  ),
  trap(
    {
      fault: 'mail from outside that goes to another server first',
      finds: 'control/names/mx-other',
      words: /goes to filter\.elsewhere\.test$/,
    },
    (_, { records }) => instead(records, 'mx-host', `mx-host=${LAB_DOMAIN},filter.elsewhere.test,10`),
  ),
  trap(
    { fault: 'a domain without a mail server', finds: 'control/names/mx-missing', words: /no MX record/ },
    (_, { records }) => instead(records, 'mx-host'),
  ),
  trap({ fault: 'an SPF record without one node', finds: 'B/spf', words: /SPF forbids it/ }, (addresses, { records }) =>
    instead(records, 'txt-record', spf(addresses, 'A', 'C')),
  ),
  trap(
    { fault: 'an outgoing address without a name', finds: 'B/ptr-missing', words: /has no name/ },
    ({ B }, { records }) => instead(records, ofB, `address=/${fullHostName('B')}/${B}`),
  ),
  trap(
    {
      fault: 'an outgoing address with a name that does not lead back',
      finds: 'B/ptr-unconfirmed',
      words: /named old\.lab\.test/,
    },
    ({ B }, { records }) =>
      instead(
        records,
        ofB,
        `address=/${fullHostName('B')}/${B}`,
        `ptr-record=${B.split('.').reverse().join('.')}.in-addr.arpa,old.${LAB_DOMAIN}`,
      ),
  ),
  trap(
    {
      fault: 'a node that greets with a name which nobody knows',
      finds: 'B/helo',
      words: /mail-b\.lab\.test has no address in DNS/,
    },
    ({ B }, { records }) => instead(records, ofB, `host-record=other.${LAB_DOMAIN},${B}`),
  ),
  trap(
    {
      fault: 'a closed port 25',
      finds: 'A/port-25-out',
      words: REFUSED,
      also: { 'B/port-25-out': REFUSED, 'C/port-25-out': REFUSED },
    },
    () => ({ greeting: null }),
  ),
  trap(
    {
      fault: 'a port 25 where somebody says no',
      finds: 'A/port-25-out',
      words: DENIED,
      also: { 'B/port-25-out': DENIED, 'C/port-25-out': DENIED },
    },
    () => ({ greeting: '554 not from your network\r\n' }),
  ),
  trap(
    {
      fault: 'a smarthost that says no',
      finds: 'A/smarthost',
      words: DENIED,
      also: { 'B/smarthost': DENIED, 'C/smarthost': DENIED },
    },
    () => ({ smarthost: true, greeting: '554 not from your network\r\n' }),
  ),
  trap(
    {
      fault: 'a licence server that is not reached',
      finds: 'A/licence-server',
      words: REFUSED,
      also: { 'B/licence-server': REFUSED, 'C/licence-server': REFUSED },
    },
    () => ({ licences: false }),
  ),
  trap(
    {
      fault: 'a certificate without the clients’ name',
      finds: `${certificateAt}-lacks-names`,
      words: /not issued for mail\.lab\.test/,
      also: { [`${certificateAt}-untrusted`]: UNTRUSTED },
    },
    () => ({ certificate: { names: [fullHostName('A')], days: 300 } }),
  ),
  trap(
    { fault: 'a certificate that somebody made himself', finds: `${certificateAt}-untrusted`, words: UNTRUSTED },
    () => ({ certificate: { names: [CLIENT_NAME], days: 300 } }),
  ),
  trap(
    { fault: 'a certificate that has ended', finds: `${certificateAt}-not-valid`, words: /ended on \d{4}-/ },
    () => ({ certificate: { names: [CLIENT_NAME], days: -2 } }),
  ),
  trap(
    {
      fault: 'a certificate that ends soon',
      finds: `${certificateAt}-ends-soon`,
      words: /ends on \d{4}-/,
      also: { [`${certificateAt}-untrusted`]: UNTRUSTED },
    },
    () => ({ certificate: { names: [CLIENT_NAME], days: 10 } }),
  ),
  trap(
    {
      fault: 'a DNS server that does not answer',
      finds: 'control/names/dns-silent',
      words: /DNS did not answer the control machine/,
      also: Object.fromEntries(NODES.map((node) => [`${node}/dns-silent`, /DNS did not answer the node/])),
    },
    () => ({ records: null }),
  ),
];
