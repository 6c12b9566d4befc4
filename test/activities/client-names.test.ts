import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { clientNames, type ClientNamesDesired } from '../../src/activities/client-names.js';
import { testContext, type TestContext } from '../support/context.js';
import { startDns, type DnsServer } from '../support/dns-server.js';

const SERVER = '127.77.10.53';
const BALANCER = '192.0.2.30';
const MAIL = 'mail.move.test';
const AUTO = 'autodiscover.move.test';
const OLD = [`host-record=${MAIL},192.0.2.11,7200`];
const NEW = [`host-record=${MAIL},${BALANCER},300`, `host-record=${AUTO},${BALANCER},300`];

let context: TestContext;
let dns: DnsServer | undefined;
let desired: ClientNamesDesired;

beforeEach(async () => {
  context = await testContext();
});
afterEach(async () => {
  await dns?.stop();
  dns = undefined;
  await context.remove();
});

/** What whoever keeps the records does. */
async function publish(records: readonly string[]): Promise<void> {
  if (dns === undefined) dns = await startDns(SERVER, records);
  else await dns.change(records);
  desired = { names: [MAIL, AUTO], address: BALANCER, resolvers: [dns.at] };
}

const changes = async (): Promise<unknown> => clientNames.diff(desired, await clientNames.observe(desired, context));
const elsewhere = (words: RegExp): object => ({ code: 'CLIENTS_ELSEWHERE', message: expect.stringMatching(words) });

describe('the clients’ names', () => {
  it('waits for whoever keeps the records, and then has nothing to do', async () => {
    await publish(OLD);
    expect(await changes()).toEqual([
      { what: `name ${MAIL}`, before: '192.0.2.11', after: BALANCER },
      { what: `name ${AUTO}`, before: 'no address', after: BALANCER },
    ]);
    await expect(clientNames.apply(desired, context)).rejects.toMatchObject(
      elsewhere(
        /set A of mail\.move\.test to 192\.0\.2\.30, and no AAAA \(now 192\.0\.2\.11\); set A of autodiscover\.move\.test .* \(now no address\)\. Clients keep the old answer for 7200 s or more: serve on 192\.0\.2\.11 at least/,
      ),
    );
    await publish(NEW);
    expect(await changes()).toEqual([]);
    await clientNames.apply(desired, context);
  });

  it('names what is to be put back, and is content once it is', async () => {
    await publish(OLD);
    const before = await clientNames.observe(desired, context);
    expect(await clientNames.restore(desired, before, context)).toEqual([]);
    await publish(NEW);
    await expect(clientNames.restore(desired, before, context)).rejects.toMatchObject(
      elsewhere(
        /set A of mail\.move\.test to 192\.0\.2\.11, and no AAAA \(now 192\.0\.2\.30, kept for 300 s or more\); remove the addresses of autodiscover\.move\.test/,
      ),
    );
    await publish(OLD);
    expect(await clientNames.restore(desired, before, context)).toEqual([]);
  });

  it('is not content with one more address, such as an old one by IPv6', async () => {
    await publish([`host-record=${MAIL},${BALANCER},2001:db8::11`, ...NEW.slice(1)]);
    expect(await changes()).toEqual([{ what: `name ${MAIL}`, before: `${BALANCER}, 2001:db8::11`, after: BALANCER }]);
  });

  it('is not taken for moved, or for put back, while nobody answers', async () => {
    await publish(NEW);
    const silent = { ...desired, resolvers: ['127.77.10.54:53'] };
    await expect(clientNames.observe(silent, context)).rejects.toMatchObject({ code: 'DNS_SILENT' });
  });
});
