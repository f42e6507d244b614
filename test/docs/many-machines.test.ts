import { expect, test } from 'vitest';
import { aclFor, BROKERS } from '../../src/cli/hosts/acl.ts';
import { parseConfigFile } from '../../src/settings/config-file.ts';
import { HOSTS_HINT } from '../../src/settings/hosts-config.ts';
import { between, blocks, read, shellCommands } from './markdown.ts';
import { testWith } from './written.ts';

const PAGE = 'docs/many-machines.md';

/** The files of a broker, as `mam hosts acl` prints them. */
function printed(broker: (typeof BROKERS)[number]): string {
  const files = aclFor(broker, 'default', ['hosta', 'hostb']);
  return files.map(({ file, text }) => `# ${file}\n${text}`).join('\n');
}

/** `npx vitest run many-machines.test -u` rewrites what is between the markers. */
test('the files of the brokers are those of the program', async () => {
  let text = read(PAGE);
  for (const broker of BROKERS) text = between(text, broker, `\n\`\`\`\n${printed(broker)}\`\`\`\n`);
  await expect(text).toMatchFileSnapshot(`../../${PAGE}`);
});

testWith()('mam hosts acl prints them', async ({ lab }) => {
  for (const broker of BROKERS)
    expect(await lab.type(`mam hosts acl --broker ${broker} hosta hostb`)).toBe(printed(broker));
});

test('the table of may has each key with its default', () => {
  const keys = /its may has: (.*)\./.exec(HOSTS_HINT)?.[1]?.split(', ') ?? [];
  expect(keys.length).toBeGreaterThan(5);
  const rows = [...read(PAGE).matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, key, value]) => [key, value]);
  expect(rows.map(([key]) => key)).toEqual(keys);
  const { hosts } = parseConfigFile('x', '{"hosts":{"hostb":{"may":{}}}}');
  for (const [key = '', value = ''] of Object.entries(hosts?.['hostb']?.may ?? {}).map(([key, value]) => [
    key,
    JSON.stringify(value),
  ]))
    if (value !== '[]') expect(Object.fromEntries(rows)[key]?.replaceAll('`', ''), key).toBe(value);
});

test('its configurations are valid, and the way over ssh is on its first screen', () => {
  const configs = blocks(read(PAGE)).filter(({ language }) => language === 'json');
  expect(configs).toHaveLength(3);
  for (const { text } of configs) parseConfigFile(PAGE, text);
  const first = read(PAGE).split('\n').slice(0, 40).join('\n');
  expect(shellCommands(first)).toHaveLength(3);
});
