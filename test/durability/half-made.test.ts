import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestOnce } from '../../src/link/one-shot.ts';
import type { DelegateParams } from '../../src/operations/delegate.ts';
import { Lab } from '../support/lab.ts';
import { endHub } from '../support/lab-end.ts';
import type { LabServer } from '../support/lab-server.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
let server: LabServer;
beforeAll(async () => {
  lab = new Lab();
  // What a peer has put there.
  lab.expected.push(/^p\/\.mam\/jobs\/(with-more\/|whole\/mine\.|\.index\.jsonl\.00000000)/);
  server = await lab.startServer();
});
afterAll(() => lab.end());

/** A job whose hub was killed after it had made only these files. */
function halfMade(id: string, files: Record<string, string>): void {
  const folder = join(lab.registry, id);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(lab.home, 'live'), { recursive: true, mode: 0o700 });
  writeFileSync(join(lab.home, 'live', id), `${lab.registry}\n`);
}

test('the next hub sweeps what a hub left that was killed in the middle of a write, and nothing else', async () => {
  halfMade('empty', {});
  halfMade('no-journal', { 'prompt.md': 'Mend the' });
  halfMade('empty-journal', { 'prompt.md': 'Mend the roof', 'events.jsonl': '' });
  halfMade('torn-journal', { 'events.jsonl': '\n{"seq":1,"event_id":"x","job_id":"torn-jour' });
  halfMade('with-more', { 'events.jsonl': '', 'notes.txt': 'mine' });
  for (const id of ['whole', 'no-task', 'torn-task', 'known']) plant(lab, id);
  for (const id of ['no-task', 'known']) rmSync(lab.paths(id).prompt);
  truncateSync(lab.paths('torn-task').prompt, 7);
  // A task below a preamble, torn in the one and in the other.
  const beginning = 'The task of';
  const preamble = { beginning, bytes: 20, task_sha256: 'none' };
  for (const [id, left] of [
    ['torn-preamble', 7],
    ['torn-below', 16],
  ] as const) {
    plant(lab, id, { prompt_preview: 'Mend the roof', prompt_bytes: 33, preamble });
    truncateSync(lab.paths(id).prompt, left);
  }
  // The hub had finished making this one: someone has removed its task.
  writeFileSync(lab.paths('known').record, '{}');
  const whole = join(lab.registry, 'whole');
  writeFileSync(join(whole, 'job.json.0a1b2c3d.tmp'), '{"half');
  writeFileSync(join(whole, 'mine.0a1b2c3d.tmp'), 'a peer’s');
  writeFileSync(join(lab.registry, '.index.jsonl.0a1b2c3d.tmp'), '{"half');
  writeFileSync(join(lab.registry, '.hub.owner.0a1b2c3d.new'), '{"half');
  symlinkSync('/etc/hostname', join(lab.registry, '.index.jsonl.00000000.tmp'));
  await server.ask('list_jobs');
  const list = (folder: string) => readdirSync(folder).sort().join();
  await until('the pointers are gone', () => list(join(lab.home, 'live')) === 'known,whole');
  // What the hub itself writes briefly has a temporary name.
  const settled = '.hub.lock,.hub.owner,.index.jsonl,.index.jsonl.00000000.tmp,known,whole,with-more';
  await until('the registry is swept', () => list(lab.registry) === settled);
  expect(readdirSync(join(lab.registry, 'with-more')).sort()).toEqual(['events.jsonl', 'notes.txt']);
  expect(readdirSync(whole)).toContain('mine.0a1b2c3d.tmp');
  expect(readdirSync(whole)).not.toContain('job.json.0a1b2c3d.tmp');
});

test('a repeated request finds its job, and supplies the task that was not written in time', async () => {
  await server.ask('list_jobs');
  const { socket, realm, host } = lab.hub();
  const params = {
    prompt: 'Bring the key to the board',
    agent: 'human',
    registry_dir: lab.registry,
    workdir: lab.project,
    supervisor: { client: 'test', session: 'test' },
    ...{ request_key: 'once', mam_command: 'mam', on_busy: 'queue', tmux_socket: '/none' },
    ...{ timeout_seconds: 600, idle_timeout_seconds: 600 },
  } as unknown as DelegateParams;
  const address = { kind: 'socket', path: socket } as const;
  const delegate = () =>
    requestOnce({ address, realm, host, timeoutMs: 10_000, command: 'delegate', params });
  const id = (await delegate())?.record.job_id ?? '';
  await endHub(lab);
  const { prompt } = lab.paths(id);
  for (const left of [undefined, 'Bring the k']) {
    rmSync(prompt);
    if (left !== undefined) writeFileSync(prompt, left);
    await server.ask('list_jobs');
    expect(await delegate()).toMatchObject({ repeated: true, record: { job_id: id } });
    expect(readFileSync(prompt, 'utf8')).toBe(params.prompt);
    await endHub(lab);
  }
  rmSync(prompt);
  const report = { job_id: id, event: 'started' };
  // A report waits no longer than a second for the start of a hub.
  await server.ask('list_jobs');
  const told = await server.ask('publish_event', report);
  expect(told).toMatchObject({ recorded: true, status: 'working' });
  expect(told.next).toContain(`The task of job ${id} cannot be read from ${prompt} (ENOENT). Report error`);
  expect(told.summary).not.toContain('refused');
  expect((await lab.mam('publish', '--job', id, '--event', 'started')).code).toBe(0);
  const ended = await server.ask('publish_event', { ...report, event: 'completed' });
  expect(ended).toMatchObject({ recorded: true, status: 'completed' });
});
