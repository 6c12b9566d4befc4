// ESLint rule: imports point downwards only. `no-restricted-imports` sees neither `import()`, which the command line
// uses everywhere, nor where a relative path ends, so this rule resolves the path and asks the table.
import { isBuiltin } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';

/** Per room of src/: whose values it may import, and from whom types only. Files directly in src/ may import all. */
const ROOMS = {
  cluster: { values: [], types: [] },
  transfer: { values: ['cluster'], types: [] },
  platform: { values: ['cluster'], types: [] },
  temporal: { values: ['cluster', 'platform'], types: [] },
  icewarp: { values: ['cluster', 'platform'], types: [] },
  activities: { values: ['cluster', 'icewarp', 'platform', 'transfer'], types: [] },
  lab: { values: ['cluster', 'icewarp', 'platform'], types: [] },
  // Their bundle has no Node built-ins: from the rooms that have, types only.
  workflows: { values: ['cluster', 'icewarp'], types: ['activities', 'platform', 'transfer'] },
  cli: {
    values: ['cluster', 'icewarp', 'platform', 'temporal', 'transfer', 'lab', 'workflows'],
    types: ['activities'],
  },
};

/** What would break determinism, even as a type a sign that something is in the wrong room. */
const NOT_IN_WORKFLOWS = new Set(['@temporalio/client', '@temporalio/worker', '@temporalio/activity']);

/** @type {import('eslint').Rule.RuleModule} */
export const importDirection = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      upwards: '{{from}} must not import from {{to}}: imports point downwards only.',
      typesOnly: '{{from}} may import only types from {{to}}.',
      notInWorkflows: 'Workflow code must be deterministic: {{name}} must not be imported here.',
    },
  },
  create(context) {
    const source = resolve(context.cwd, 'src');
    const from = roomOf(source, context.filename);
    if (from === null || ROOMS[from] === undefined) return {};

    const check = (node, typesOnly) => {
      const name = node.value;
      if (typeof name !== 'string') return;
      if (name.startsWith('.'))
        return checkRoom(node, roomOf(source, resolve(dirname(context.filename), name)), typesOnly);
      if (from === 'workflows' && (isBuiltin(name) || NOT_IN_WORKFLOWS.has(packageOf(name)))) {
        context.report({ node, messageId: 'notInWorkflows', data: { name } });
      }
    };
    const checkRoom = (node, to, typesOnly) => {
      const { values, types } = ROOMS[from];
      if (to === null || to === from || values.includes(to)) return;
      if (!types.includes(to)) context.report({ node, messageId: 'upwards', data: { from, to } });
      else if (!typesOnly) context.report({ node, messageId: 'typesOnly', data: { from, to } });
    };
    // With verbatimModuleSyntax `import { type A }` still loads the module, so only a whole `import type` counts.
    return {
      ImportDeclaration: (node) => check(node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => node.source && check(node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node.source, false),
      TSImportType: (node) => check(node.source, true),
    };
  },
};

/** The folder of src/ that holds a file; the file's own name when it lies directly in src/; null outside src/. */
function roomOf(source, file) {
  const path = relative(source, file).split(sep);
  return path[0] === '..' || path[0] === '' ? null : path[0];
}

function packageOf(name) {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
