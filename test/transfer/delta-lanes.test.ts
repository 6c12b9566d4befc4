import { describe } from '@jest/globals';

import { deltaCases } from './delta-cases.js';

describe('a delta pass, by lanes', () => deltaCases(true));
