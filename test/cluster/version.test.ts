import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { compatible, PRODUCT_VERSION } from '../../src/cluster/version.js';

describe('the product version', () => {
  it('is the one of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(PRODUCT_VERSION).toBe(version);
  });

  it('is compatible within one major version only', () => {
    expect(compatible('1.2.0', '1.9.3')).toBe(true);
    expect(compatible('1.2.0', '2.0.0')).toBe(false);
  });
});
