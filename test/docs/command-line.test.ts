import { expect, test } from 'vitest';
import { optionName } from '../../src/base/fields.ts';
import { COMMON, type Command } from '../../src/cli/core/command.ts';
import { EXIT, EXIT_MEANINGS } from '../../src/cli/core/exit.ts';
import { synopsisOf, wordsOf } from '../../src/cli/core/help.ts';
import { meaningOf, optionHead } from '../../src/cli/core/options.ts';
import { commands } from '../../src/cli/index.ts';
import { tools } from '../../tools/index.ts';
import { anchors, between, read, table } from './markdown.ts';

const DOCUMENT = 'docs/command-line.md';

/** `npx vitest run command-line -u` rewrites what is between the markers. */
test('the page of the commands is that of the declarations', async () => {
  const sections: string[] = [];
  for (const title of new Set(Object.values(commands).map(({ group }) => group))) {
    sections.push(`## ${title}`);
    for (const [name, listed] of Object.entries(commands)) {
      if (listed.group === title) sections.push(section(name, listed.summary, await listed.load()));
    }
  }
  let text = between(read(DOCUMENT), 'table', `\n${commandTable()}\n`);
  text = between(text, 'exit', exitCodes());
  text = between(text, 'commands', `\n${sections.join('\n\n')}\n`);
  await expect(text).toMatchFileSnapshot(`../../${DOCUMENT}`);
  expect(anchors(text)).toContain('mam-wait');
});

test('declarations are whole: every option is in the synopsis, every example calls its own command', async () => {
  for (const [name, { load }] of Object.entries(commands)) {
    const command = await load();
    const synopsis = synopsisOf(name, command);
    for (const field of Object.keys(command.options))
      expect(synopsis, name).toContain(`--${optionName(field)}`);
    expect(command.examples.length, name).toBeGreaterThan(0);
    for (const example of command.examples) expect(example).toContain(`mam ${name}`);
    for (const option of Object.keys(command.options)) expect(Object.keys(COMMON)).not.toContain(option);
    expect(command.exits.done, name).toBeDefined();
  }
});

function commandTable(): string {
  const rows = Object.entries(commands).map(([name, { summary }]) => [
    `[\`mam ${name}\`](#mam-${name})`,
    summary,
  ]);
  return table(['command', 'what it does'], rows);
}

function exitCodes(): string {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return `${names.map((name) => `${EXIT[name]} ${EXIT_MEANINGS[name]}`).join(' · ')}.`;
}

function section(name: string, summary: string, command: Command): string {
  const { options } = command;
  const rows = [
    ...wordsOf(command).map(({ name: word, about }) => [`\`${word}\``, about]),
    ...Object.entries(options).map(([field, option]) => [
      `\`${optionHead(optionName(field), option)}\``,
      meaningOf(option),
    ]),
  ].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  const exits = Object.entries(command.exits).map(
    ([exit, meaning]) => `${EXIT[exit as keyof typeof EXIT]} ${meaning}`,
  );
  return [
    `### mam ${name}`,
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    `\`\`\`\nmam ${synopsisOf(name, command)}\n\`\`\``,
    command.about.join('\n\n'),
    ...(rows.length > 0 ? [['| option | what it is |', '|---|---|', ...rows].join('\n')] : []),
    `Exit codes: ${exits.join(' · ')}.`,
    `\`--json\`: ${jsonText(command.json)}`,
    `\`\`\`\n${command.examples.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

function jsonText(json: Command['json']): string {
  if (typeof json === 'string') return json.endsWith('.') ? json : `${json}.`;
  const tool = tools.find(({ name }) => name === json.tool);
  const fields = Object.keys(tool?.outputSchema.shape ?? {}).map((field) => `\`${field}\``);
  return `the fields of \`${json.tool}\`: ${fields.join(', ')}.${json.also === undefined ? '' : ` ${json.also}`}`;
}
