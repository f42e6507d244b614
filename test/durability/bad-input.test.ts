import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';

const MIB = 1024 * 1024;

let lab: Lab;
let server: LabServer;
// One lab for all: whatever a test sends must leave it usable for the next one.
beforeAll(async () => {
  lab = new Lab();
  lab.expected.push(/^p\/\.mam\/jobs\/foreign$/);
  server = await lab.startServer();
  plant(lab, 'open');
  await lab.startPeer('mute', { session: 'bad' });
});
afterAll(() => lab.end());

let before: string[] = [];
beforeEach(() => {
  before = readdirSync(lab.registry);
});

/** Job folders made since the test started. */
function folders(): string[] {
  return readdirSync(lab.registry).filter((name) => !name.startsWith('.') && !before.includes(name));
}

test('a peer in a pane gets the right id when it uses a wrong one', async () => {
  const socket = (name: string) => join(lab.folder, `${name}.sock`);
  lab.expected.push(/^(one|two)\.sock$/);
  for (const session of ['one', 'two'])
    await lab.startPeer('mute', { session, args: ['--mcp', socket(session)], cwd: '/' });
  const delegate = (prompt: string, session: string) =>
    server.ask('delegate_job', { prompt, agent: 'command', agent_session: `tmux:${session}` });
  const first = await delegate('First', 'one');
  const second = await delegate('Second', 'two');
  const peer = await lab.startServerIn(socket('one'));
  const stranger = await peer.refusal('publish_event', { job_id: 'no-such-job', event: 'started' });
  expect(stranger).toBe(
    `There is no job with this id. The job of your pane is ${first.job_id}: report with job_id "${first.job_id}".`,
  );
  const foreign = await peer.refusal('publish_event', { job_id: second.job_id, event: 'completed' });
  expect(foreign).toContain(`Job ${second.job_id} was given to another pane.`);
  expect(foreign).toContain(`Report again with job_id "${first.job_id}".`);
  expect(lab.events(second.job_id).map(({ type }) => type)).not.toContain('completed');
  const started = await peer.ask('publish_event', { job_id: first.job_id, event: 'started' });
  expect(started.task).toBe('First');
  const other = await lab.startServerIn(socket('two'));
  const refused = await other.refusal('publish_event', { job_id: first.job_id, event: 'error' });
  expect(refused).toContain(second.job_id);
  expect(folders().sort()).toEqual([first.job_id, second.job_id].sort());
});

test('outside of a pane the open jobs are named', async () => {
  const text = await server.refusal('publish_event', { job_id: 'no-such-job', event: 'started' });
  expect(text).toContain('Open jobs: open');
});

test.each([
  ['job_status', { job_id: 'no-such-job' }],
  ['wait_job', { job_id: 'no-such-job' }],
  ['cancel_job', { job_id: 'no-such-job' }],
  ['job_status', { job_id: '../../etc/passwd' }],
  ['wait_job', { job_ids: ['', 'UPPER', 'a/b'] }],
  ['publish_event', { job_id: '../x', event: 'progress' }],
  ['publish_event', { job_id: 'a/+/#', event: 'progress' }],
  ['publish_event', { job_id: '', event: 'progress' }],
  ['publish_event', { job_id: 'x'.repeat(65), event: 'progress' }],
] as [string, object][])('%s %j: one clear sentence with the next step', async (tool, args) => {
  const text = await server.refusal(tool, args);
  expectSentence(text);
  expect(folders()).toEqual([]);
});

test.each([
  [{ timeout_seconds: -1 }, '`timeout_seconds`'],
  [{ timeout_seconds: 0.5 }, 'timeout_seconds'],
  [{ idle_timeout_seconds: -5 }, '`idle_timeout_seconds`'],
  [{ timeout_seconds: 'soon' }, '`timeout_seconds` must be a number'],
  [{ timeout_seconds: 1e12 }, '`timeout_seconds`'],
  [{ prompt: ['a', 'b'] }, '`prompt` must be a string'],
  [{ prompt: null }, '`prompt` is missing'],
  [{ prompt: '\n \t' }, '`prompt` is empty'],
  [{ prompt: 'half \ud800 pair' }, 'surrogate'],
  [{ prompt: '\udc00' }, 'surrogate'],
  [{ agent_session: 'tmux:nobody' }, 'nobody'],
  [{ agent_session: 'tmux:%999' }, '%999'],
  [{ agent_session: '' }, 'agent_session'],
  [{ agent_session: 'tmux:bad\nname' }, ''],
  [{ workdir: '/no/such/folder' }, '/no/such/folder'],
  [{ validate: 'no-such-script.sh' }, 'no-such-script.sh'],
  [{ prommpt: 'x' }, 'Did you mean `prompt`?'],
] as [object, string][])('delegate_job with %j is refused and leaves no job', async (args, words) => {
  const order = { prompt: 'Do it', agent: 'command', agent_session: 'tmux:bad' };
  const text = await server.refusal('delegate_job', { ...order, ...args });
  expectSentence(text);
  expect(text).toContain(words);
  expect(folders()).toEqual([]);
});

test('a prompt of exactly 1 MiB arrives byte for byte, one of a byte more is refused', async () => {
  const peer = await lab.startPeer('mute', { session: 'big' });
  const args = { agent: 'command', agent_session: 'tmux:big' };
  // Characters of 3 bytes each, so that bytes and characters differ.
  const prompt = '한'.repeat(Math.floor(MIB / 3));
  const exact = prompt + 'y'.repeat(MIB - Buffer.byteLength(prompt));
  expect(Buffer.byteLength(exact)).toBe(MIB);
  const text = await server.refusal('delegate_job', { ...args, prompt: `${exact}z` });
  expect(text).toContain('`prompt` is longer than 1 MiB');
  expect(folders()).toEqual([]);
  const { job_id } = await server.ask('delegate_job', { ...args, prompt: exact });
  expect(job_id).toMatch(/-(job|x?y+)$/);
  expect(readFileSync(join(lab.registry, job_id, 'prompt.md'), 'utf8')).toBe(exact);
  expect(peer.pastes.join()).toContain(job_id);
  expect(peer.keys).toContain('\r');
  const started = await server.ask('publish_event', { job_id, event: 'started' });
  let read = started.task as string;
  for (let next = started.task_next_offset; next !== undefined; ) {
    const page = await server.ask('job_status', { job_id, task_offset: next });
    expect(page.task.length).toBeLessThanOrEqual(16_000);
    read += page.task;
    next = page.task_next_offset;
  }
  expect(read === exact).toBe(true);
  expect(lab.inHome('spool')).toEqual([]);
});

test('what does not fit into the journal of a new job is named', async () => {
  const long = await lab.startServer({}, { clientName: 'x'.repeat(5_000) });
  for (const dry_run of [true, false]) {
    const text = await long.refusal('delegate_job', { prompt: 'Mend it', agent: 'human', dry_run });
    expect(text).toMatch(/bytes too long; most of it is `supervisor.client`. Shorten that.$/);
  }
  expect(folders()).toEqual([]);
});

test('a message of 11 MB is answered, and the server survives', async () => {
  const args = { prompt: 'x'.repeat(11 * MIB), agent: 'command', agent_session: 'tmux:x' };
  const text = await server.refusal('delegate_job', args);
  expect(text).toContain('`prompt` is longer than 1 MiB: put the text into a file and name the file');
  expect(text.length).toBeLessThan(1_200);
  expect((await server.ask('list_jobs')).total).toBeGreaterThan(0);
  expect(folders()).toEqual([]);
});

test.each([
  [{ event: 'progress', detail: 'x'.repeat(2_001) }, 'at most 2000 characters'],
  [{ event: 'completed', result: 'x'.repeat(MIB + 1) }, 'longer than 1 MiB'],
  [{ event: 'completed', result: 'half \ud800' }, 'half a UTF-16 surrogate pair'],
  [{ event: 'completed', files: Array(101).fill('f') }, 'at most 100 items'],
  [{ event: 'completed', files: ['f'.repeat(1_001)] }, 'at most 1000 characters'],
  [{ event: 'finished' }, 'must be one of'],
  [{ event: 'timeout' }, 'must be one of'],
] as [object, string][])('publish_event with bad fields is refused: %#', async (args, words) => {
  const text = await server.refusal('publish_event', { job_id: 'open', ...args });
  expectSentence(text);
  expect(text).toContain(words);
});

test('what a peer writes stays data: controls, escapes and half pairs go through the journal unharmed', async () => {
  plant(lab, 'data');
  await lab.mam('hub', 'stop');
  const detail = 'a\u001b[31mred\u0007 \u202e half \ud800 {"seq":99}\n\nline';
  await server.ask('publish_event', { job_id: 'data', event: 'progress', detail });
  const result = `${detail.toWellFormed()}${'r'.repeat(MIB - 200)}`;
  await server.ask('publish_event', { job_id: 'data', event: 'completed', detail, result });
  const [, progress, completed] = lab.events('data');
  expect(progress?.detail).toBe(detail);
  const file = join(lab.registry, 'data', 'texts', completed?.texts?.['result'] ?? '');
  expect(readFileSync(file, 'utf8').slice(-10)).toBe('r'.repeat(10));
  const lines = readFileSync(lab.paths('data').journal, 'utf8').split('\n');
  expect(lines.filter((line) => Buffer.byteLength(line) >= 4096)).toEqual([]);
  const shown = await lab.mam('status', '--job', 'data');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  expect(shown.stdout).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(lab.inHome('spool')).toEqual([]);
});

test('a limit of the caller rather than of the job is not a failure', async () => {
  for (const timeout_seconds of [0, 0.05]) {
    const { outcome } = await server.ask('wait_job', { job_id: 'open', timeout_seconds });
    expect(outcome).toBe('still_running');
  }
  expectSentence(await server.refusal('wait_job', { job_id: 'open', timeout_seconds: -1 }));
  expectSentence(await server.refusal('wait_job', { job_id: 'open', cursor: 'rubbish' }));
  expectSentence(await server.refusal('list_jobs', { cursor: 'rubbish' }));
  writeFileSync(join(lab.registry, 'foreign'), '');
  const { jobs } = await server.ask('list_jobs');
  expect(jobs.map(({ job_id }: { job_id: string }) => job_id)).not.toContain('foreign');
});

/** Text for a model: no stack, no bare system error, and a next step after the first sentence. */
function expectSentence(text: string): void {
  expect(text).not.toMatch(/\n\s+at |TypeError|undefined|ZodError|unexpected error/);
  expect(text.length).toBeLessThan(1_200);
  expect(text.split(/(?<=\.)\s/).length, text).toBeGreaterThanOrEqual(2);
}
