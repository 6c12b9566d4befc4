import { Command, Option } from 'commander';

import { DEFAULT_FILE } from './default-file.js';

export interface RenderFlags {
  readonly product: 'text' | 'haproxy';
  readonly json?: true;
}

/** `lb`: what a balancer that the product does not run has to do. */
export function lbCommand(): Command {
  const render = new Command('render')
    .description('print what a load balancer of yours has to do for this cluster; changes nothing')
    .argument('[file]', 'the cluster file', DEFAULT_FILE)
    .addOption(
      new Option('--product <product>', 'text: a table for any product; haproxy: its configuration file')
        .choices(['text', 'haproxy'])
        .default('text'),
    )
    .option('--json', 'the same as JSON')
    .addHelpText(
      'before',
      '\nExamples:\n  $ icewarp-rollout lb render cluster.yaml\n  $ icewarp-rollout lb render cluster.yaml --product haproxy > haproxy.cfg\n',
    )
    .addHelpText('after', '\nExit status: 0 printed; 2 wrong cluster file, or it says too little.\n')
    .action(async (file: string, flags: RenderFlags) => {
      const { renderBalancer } = await import('./lb-render.js');
      process.exitCode = await renderBalancer(file, flags);
    });
  return new Command('lb')
    .description('the load balancer')
    .addHelpText('before', '\nExample:\n  $ icewarp-rollout lb render cluster.yaml\n')
    .addHelpText('after', '\nExit status: 0 printed; 2 wrong usage or cluster file.\n')
    .addCommand(render);
}
