import { noteOpened } from '../../../src/activities/opened.js';
import { settings, type SettingsDesired } from '../../../src/activities/settings.js';
import { sharedConfiguration, type SharedConfigurationDesired } from '../../../src/activities/shared-configuration.js';
import { testContext } from '../../support/context.js';

/** What the test asks of the machine that it is started on. */
export interface BringBackInput {
  readonly settings: SettingsDesired;
  readonly configuration: SharedConfigurationDesired;
  /** Shell commands between the way there and the way back: the switch, what users do, the switch back. */
  readonly meanwhile: string;
}

/** Moves the configuration to the share, lets users work with it, and puts back what was changed. */
const context = await testContext();
try {
  const input = JSON.parse(process.argv[2] ?? '') as BringBackInput;
  const { execFileSync } = await import('node:child_process');
  const former = await settings.observe(input.settings, context);
  await settings.apply(input.settings, context);
  const before = await sharedConfiguration.observe(input.configuration, context);
  await sharedConfiguration.apply(input.configuration, context);
  await noteOpened(context.agent, 'configuration', true);
  execFileSync('sh', ['-ec', input.meanwhile], { stdio: 'ignore' });
  const kept = await sharedConfiguration.restore(input.configuration, before, context);
  const left = await settings.restore(input.settings, former, context);
  console.log(JSON.stringify([...kept, ...left]));
} finally {
  await context.remove();
}
