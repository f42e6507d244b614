import { expect, test } from 'vitest';
import { HOMES } from '../agents/programs.ts';
import { CONFORMANCE, INSPECTOR } from '../clients/programs.ts';
import { SCENARIOS } from '../clients/scenarios.ts';
import { read } from './markdown.ts';

const PAGE = 'docs/contributing/clients.md';
const MARKS = /(<!-- scenarios:[^>]*-->\n).*?(<!-- \/scenarios -->)/s;

/** `npx vitest run test/docs -u` rewrites what is between the markers. */
test('the table of the conformance suite is that of its test', async () => {
  const rows = Object.entries(SCENARIOS).map(([name, scenario]) => {
    if ('run' in scenario) return `| \`${name}\` | passes |`;
    const instead = scenario.instead === undefined ? '' : `; instead: \`${scenario.instead}\``;
    return `| \`${name}\` | not run: ${scenario.reason}${instead} |`;
  });
  const table = `| scenario | |\n|---|---|\n${rows.join('\n')}\n`;
  expect(read(PAGE)).toMatch(MARKS);
  await expect(read(PAGE).replace(MARKS, `$1${table}$2`)).toMatchFileSnapshot(`../../${PAGE}`);
});

test('the versions are those that are tested', () => {
  const pages = read('docs/clients.md') + read(PAGE);
  for (const { npm } of [...HOMES, INSPECTOR, CONFORMANCE]) expect(pages).toContain(npm.version);
  expect(read(PAGE)).toContain(`${INSPECTOR.npm.name}@${INSPECTOR.npm.version}`);
});

test('its scenarios name tests that exist', () => {
  const named = Object.values(SCENARIOS).flatMap((one) => ('reason' in one ? (one.instead ?? []) : []));
  for (const path of named) expect(read(path)).toContain('test(');
});
