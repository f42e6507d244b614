import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

/** What a terminal obeys, or what nobody sees: of every kind one. */
const EVIL = [
  '\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u001b[8mhidden\u001b[31mred\u001b]0;title\u0007',
  '\u009b2J\u009d0;t\u009c\u0007\b\r\u007f',
  '\u202erlo\u2066\u2069\u200e\u200f\u061c',
  '\u{e0001}\u{e0072}\u{e006d}\u{e007f}\u{e0131}\ufe01\u00ad\u180e\u200b\u2060\u2028\u2029\ufff9\ufeff',
].join('');
const evil = (word: string): string => `${word}${EVIL}-${word}`;
const DANGEROUS =
  /[^\P{Cc}\t\n]|[\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufff9-\ufffb\ufeff]|\ufe01|[\u{e0000}-\u{e0fff}]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const OWN_COLOUR = /\x1b\[(?:[12]|22|3[1-6]|39)m/g;

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

/** A job as a registry from elsewhere may hold it: every text in it says more than its words. */
function plantEvil(id: string): void {
  plant(lab, id, {
    prompt_preview: evil('prompt'),
    workdir: `/${evil('workdir')}`,
    supervisor: { client: evil('client'), session: 'planted' },
  });
  const now = new Date().toISOString();
  const events = [
    { type: 'started', source: 'peer', detail: evil('began') },
    {
      type: 'permission_required',
      source: 'hook',
      detail: evil('asks'),
      data: { tool: evil('tool'), input: evil('input'), length: 5 },
    },
    { type: 'question', source: 'peer', detail: evil('question') },
    { type: 'progress', source: 'peer', detail: evil('last') },
  ];
  for (const [index, event] of events.entries()) {
    const more = { seq: index + 2, event_id: `e${index}`, job_id: id, at: now, recorded_at: now };
    appendFileSync(lab.paths(id).journal, signed(lab.home, id, { ...more, ...event }));
  }
}

const COMMANDS: readonly (readonly string[])[] = [
  ['list'],
  ['status', 'foreign'],
  ['logs', 'foreign'],
  ['logs', '--list'],
  ['wait', '--job', 'foreign', '--timeout', '0.2'],
  ['wait', '--timeout', '0.2'],
  ['agents'],
  ['hub', 'logs'],
  ['doctor'],
  ['completion-values', 'jobs'],
];

test('only harmless text of a foreign registry reaches a terminal', async () => {
  plantEvil('foreign');
  const looks = COMMANDS.flatMap((args) =>
    args[0] === 'completion-values' ? [args] : [args, [...args, '--json']],
  );
  await Promise.all(
    looks.map(async (args) => {
      const { stdout, stderr } = await lab.mam(...args);
      expect(DANGEROUS.exec(stdout + stderr), `${args.join(' ')}: ${stdout}${stderr}`).toBeNull();
      if (args.includes('--json')) JSON.parse(stdout);
    }),
  );
  const { stdout } = await lab.mam('status', 'foreign');
  expect(stdout).toMatch(/^prompt +prompthiddenred.*-prompt$/m);
});

test('every answer to a model is harmless as well', async () => {
  plantEvil('foreign');
  const server = await lab.startServer();
  const calls: [string, object][] = [
    ['list_jobs', {}],
    ['job_status', { job_id: 'foreign', events_after: 0 }],
    ['job_logs', { job_id: 'foreign' }],
    ['wait_job', { job_id: 'foreign', timeout_seconds: 1 }],
    ['list_agents', {}],
    ['job_status', { job_id: evil('none') }],
    ['answer_job', { job_id: 'foreign', decision: 'allow', request_id: evil('none') }],
  ];
  for (const [tool, args] of calls) {
    const { content, structuredContent } = await server.call(tool, args);
    for (const value of [structuredContent ?? {}, content[0].text.startsWith('{') ? {} : content[0].text])
      expect(textsOf(value).filter((text) => DANGEROUS.test(text))).toEqual([]);
  }
  const { requests } = await server.ask('job_status', { job_id: 'foreign' });
  expect(requests[0]).toMatchObject({ tool: expect.stringMatching(/^tool.*-tool$/) });
  for (const uri of ['mam://jobs', 'mam://jobs/foreign', 'mam://jobs/foreign/log']) {
    const { contents } = (await server.request('resources/read', { uri })).result;
    const text: string = contents[0].text;
    expect(
      textsOf(text.startsWith('{') ? JSON.parse(text) : text).filter((one) => DANGEROUS.test(one)),
    ).toEqual([]);
  }
});

test('errors in a configuration are reported without its escape sequences', async () => {
  mkdirSync(join(lab.project, '.mam'), { recursive: true });
  writeFileSync(
    join(lab.project, '.mam', 'config.json'),
    JSON.stringify({ [evil('key')]: 1, agents: { [evil('agent')]: { command: 5 } } }),
  );
  for (const args of [['list'], ['doctor'], ['submit', '--agent', evil('kind'), 'task'], [evil('command')]]) {
    const { stdout, stderr } = await lab.mam(...args);
    expect(DANGEROUS.exec(stdout + stderr), `${args}: ${stdout}${stderr}`).toBeNull();
  }
});

test('on a terminal there are our own colours, and no others', async () => {
  plantEvil('foreign');
  const raw = join(lab.folder, 'raw');
  // A terminal that keeps all that is written to it.
  lab.sessions.add('screen');
  lab.expected.push(/^raw$/);
  await lab.tmux('new-session', '-d', '-s', 'screen', '-x', '200', '-y', '50', 'cat');
  await lab.tmux('pipe-pane', '-t', 'screen', `cat > '${raw}'`);
  for (const args of ['list', 'status foreign', 'logs foreign']) {
    const command = `cd '${lab.project}' && '${process.execPath}' '${PROGRAM}' ${args}; echo over; exec cat`;
    const before = sizeOf(raw);
    await lab.tmux('respawn-pane', '-k', '-t', 'screen', command);
    await until(`${args} has ended`, () => readFileSync(raw, 'utf8').slice(before).includes('over'));
    const written = readFileSync(raw, 'utf8').slice(before);
    expect(written, args).toMatch(OWN_COLOUR);
    const others = written.replaceAll(OWN_COLOUR, '').replaceAll('\r\n', '\n');
    expect(DANGEROUS.exec(others), `${args}: ${JSON.stringify(others)}`).toBeNull();
    expect(written).not.toContain('\u001b[31mred');
  }
});

function sizeOf(path: string): number {
  try {
    return readFileSync(path, 'utf8').length;
  } catch {
    return 0;
  }
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
