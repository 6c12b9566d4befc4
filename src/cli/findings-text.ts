import color from 'picocolors';

import { SEVERITIES, type Finding, type Severity } from '../workflows/preflight/finding.js';

const HEADINGS: Readonly<Record<Severity, string>> = {
  stops: color.red('Stops the rollout'),
  warns: color.yellow('Warnings'),
  tells: 'Worth knowing',
};

/** What a preflight has found, by severity, with what would happen and how to mend it; no lines for no findings. */
export function findingsText(findings: readonly Finding[]): string[] {
  return SEVERITIES.flatMap((severity) => {
    const these = findings.filter((one) => one.severity === severity);
    return these.length === 0 ? [] : [color.bold(HEADINGS[severity]), ...these.flatMap(findingLines), ''];
  });
}

function findingLines({ id, guide, is, would, mend, approvable }: Finding): string[] {
  return [
    `  ${id}: ${is} ${color.dim(`[${guide}]`)}`,
    `    ${would}`,
    `    mend: ${mend}${approvable ? '; or approve' : ''}`,
  ];
}
