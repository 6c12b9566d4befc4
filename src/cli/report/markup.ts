/** Text that a browser shows as it is, in an element or in an attribute. */
export function escaped(text: string | number): string {
  const NAMES: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return String(text).replaceAll(/[&<>"']/g, (sign) => NAMES[sign] ?? sign);
}

/** A table; nothing where it has no rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return '<p class="none">none</p>';
  const cells = (tag: string, row: readonly (string | number)[]): string =>
    row.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>\n${rows
    .map((row) => `<tr>${cells('td', row)}</tr>`)
    .join('\n')}\n</tbody></table>`;
}

/** The style of the document: light, dark, and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --paper: #fff; --dim: #66707c; --line: #d5dae0; --done: #2f7d57; --failed: #c0392b; --open: #b7791f; --bar: #3566a8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --paper: #14181d; --dim: #98a2ae; --line: #333b45; --done: #58b889; --failed: #f07167; --open: #e2b04a; --bar: #7fa8e0; } }
@media print { :root { --ink: #000; --paper: #fff; --dim: #444; --line: #bbb; } details > * { display: block; } h2 { break-after: avoid; } tr, svg { break-inside: avoid; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.none, figcaption, .under { color: var(--dim); } figure { margin: 0; } code { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 12px system-ui, sans-serif; } svg text.dim { fill: var(--dim); }
.done { fill: var(--done); } .failed { fill: var(--failed); } .open { fill: var(--open); } .bar { fill: var(--bar); } .axis { stroke: var(--line); }
`;
