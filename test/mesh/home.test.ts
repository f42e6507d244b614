import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LIMITS } from '../../src/job/limits.ts';
import { requestOnce } from '../../src/link/one-shot.ts';
import type { Commands } from '../../src/operations/request.ts';
import { all, HomeWorld } from '../support/hosts/home-world.ts';
import type { RawAsker } from '../support/hosts/raw-asker.ts';
import type { Lab } from '../support/lab.ts';
import type { Json } from '../support/lab-server.ts';
import { Repository } from '../support/repository.ts';
import { until } from '../support/until.ts';

let world: HomeWorld;
let lab: Lab;
let hosta: RawAsker;

beforeEach(async () => {
  world = await HomeWorld.make();
  lab = world.lab;
  world.allow({ hosta: all(lab), hostc: all(lab) });
  await world.start();
  hosta = await world.asker();
});
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

test('a job of another host is carried out as one of our own, and that host is told of each step', async () => {
  await lab.startPeer('good');
  const asked = hosta.job('Mend the roof', { session: 'tmux:good', workdir: lab.project });
  const answer = await hosta.ask('delegate', asked);
  expect(answer).toMatchObject({ repeated: false, position: 0, behind: [], warnings: [], more: false });
  expect(answer.events[0]).toMatchObject({ seq: 1, type: 'queued' });
  const id = asked.job_id;
  const last = await until('its end comes', () =>
    hosta.feed(id).find(({ record }) => record?.status === 'completed'),
  );
  await until('the digest has it', () => hosta.digested(id) === last.record?.seq);

  const { record, events, more } = await hosta.ask('events', { job_id: id, after: 0 });
  expect(more).toBe(false);
  const kept = lab.events(id);
  expect(events).toEqual(kept);
  const fed = hosta.feed(id).map(({ event }) => event);
  expect(fed).toEqual(kept.filter(({ seq }) => seq >= (fed[0]?.seq ?? 0)));
  expect(record).toMatchObject({ job_id: id, status: 'completed', host: 'hostb', depth: 0 });
  expect(record.supervisor).toEqual({ client: 'test', session: 'cli', host: 'hosta' });
  for (const secret of ['typing', 'agent_process', 'notify', 'request_key', 'lineage'])
    expect(record, secret).not.toHaveProperty(secret);

  expect(await hosta.ask('text', { job_id: id, what: 'screen', offset: 0 })).toEqual({
    ...{ text: expect.stringContaining('READY>'), next: expect.any(Number), size: expect.any(Number) },
  });
  expect(await hosta.error('text', { job_id: id, what: 'validate', offset: 0 })).toMatchObject({
    code: 'not_found',
  });
  // Its own user sees where it came from.
  const { jobs } = await lab.json('list');
  expect(jobs).toMatchObject([{ job_id: id, from: 'hosta', status: 'completed' }]);
});

test('an ask that comes again is answered again, and carried out once', async () => {
  await lab.startPeer('mute');
  const asked = hosta.job('Mend the roof', { session: 'tmux:mute' });
  const first = await hosta.reply('delegate', asked, { id: 'the-same-ask' });
  const second = await hosta.reply('delegate', asked, { id: 'the-same-ask' });
  expect(second).toEqual({ ...first, now: expect.any(String) });
  // Another ask for the same job: the one before was answered too late, or in an earlier hub's life.
  expect(await hosta.ask('delegate', asked)).toMatchObject({ repeated: true });
  const both = await Promise.all(
    ['a', 'b'].map(() =>
      hosta.ask('delegate', hosta.job('Paint', { session: 'tmux:mute', job_id: 'p2aaaaaa-paint' })),
    ),
  );
  expect(both.map(({ repeated }) => repeated).sort()).toEqual([false, true]);
  expect(lab.jobIds()).toHaveLength(2);
  const other = { ...asked, prompt: 'Burn the roof' };
  expect(await hosta.error('delegate', other)).toMatchObject({ code: 'conflict' });
  const hostc = await world.asker('hostc');
  expect(await hostc.error('delegate', asked)).toMatchObject({
    code: 'conflict',
    message: 'There is another job with this id.',
  });
  await world.start();
  await hosta.hello();
  expect(await hosta.ask('delegate', asked, { id: 'the-same-ask' })).toMatchObject({ repeated: true });
  await until('it is told of what was left open', () => hosta.digested(asked.job_id));
  const cancelled = await hosta.reply('cancel', { job_id: asked.job_id }, { id: 'cancel-it' });
  expect(cancelled.result).toMatchObject({ changed: true, record: { status: 'cancelled' } });
  expect((await hosta.reply('cancel', { job_id: asked.job_id }, { id: 'cancel-it' })).result).toEqual(
    cancelled.result,
  );
});

test('an ask that comes too late is never carried out', async () => {
  await lab.startPeer('mute');
  const asked = hosta.job('Mend the roof', { session: 'tmux:mute' });
  expect(await hosta.error('delegate', asked, { expiresMs: -1 })).toMatchObject({ code: 'expired' });
  expect(await hosta.error('events', { job_id: asked.job_id, after: 0 })).toMatchObject({
    code: 'not_found',
  });
  expect(lab.jobIds()).toEqual([]);
});

test('nothing that is sent names a program, a path or a pane of this machine', async () => {
  const peer = await lab.startPeer('mute');
  const trap = lab.write('trap.sh', `#!/bin/sh\ntouch '${lab.project}/sprung'\n`, 0o755);
  const elsewhere = join(lab.folder, 'elsewhere');
  const hostile = {
    ...{ registry_dir: elsewhere, logs_dir: elsewhere, tmux_socket: join(elsewhere, 'socket') },
    ...{ mam_command: trap, mam: [trap], server_env: { MAM_HOME: elsewhere }, env: { PATH: elsewhere } },
    terminal: { command: [trap], ready: '.', fresh: '!touch sprung' },
    ...{ path: elsewhere, virtual_env: elsewhere, limits: { max_depth: 1_000, max_open_jobs: 1_000 } },
    origin: { pane: peer.pane, socket: lab.socket, pids: [peer.pid], ns: '' },
    ...{ notify: { configured: {} }, request_key: 'k', host: 'hostc', start_command: trap },
    supervisor: {
      ...{ client: 'test', session: 's', host: 'hostc', pane: peer.pane, socket: lab.socket },
      ...{ place: 'here', channel: true },
    },
    trust_pane: true,
  };
  const asked = hosta.job('Mend the roof', { ...hostile, session: 'tmux:mute' });
  await hosta.ask('delegate', asked);
  const record = lab.record(asked.job_id);
  expect(record).toMatchObject({ registry_dir: lab.registry, log_dir: join(lab.registry, asked.job_id) });
  expect(record.agent_session?.socket).toBe(lab.socket);
  expect(record.supervisor).toEqual({ client: 'test', session: 's', host: 'hosta' });
  expect(record.typing).toEqual({ mam: 'mam' });
  for (const field of ['notify', 'request_key', 'parent_job_id', 'validation'])
    expect(record, field).not.toHaveProperty(field);
  await until('it is typed', () => peer.pastes.length > 0);
  // Nor does a verdict: the script is the job's own.
  const verify = { job_id: asked.job_id, validate: trap, script: trap, path: elsewhere };
  expect(await hosta.error('verify', verify)).toMatchObject({ code: 'bad_input' });
  const start = { agent: 'claude-code', session: 'tmux:own', ...hostile, command: [trap], model: '--x' };
  expect(await hosta.error('start', start)).toMatchObject({ code: 'bad_input' });
  expect(existsSync(join(lab.project, 'sprung'))).toBe(false);
  expect(existsSync(elsewhere)).toBe(false);
});

test('parameters of other types are refused, and what is no ask at all is dropped', async () => {
  const wrong = [
    ['delegate', { ...hosta.job(), job_id: '../../etc' }],
    ['delegate', { ...hosta.job(), job_id: 'jobs' }],
    ['delegate', { ...hosta.job(), workdir: 'relative' }],
    ['delegate', { ...hosta.job(), supervisor: 'me' }],
    ['delegate', { ...hosta.job(), lineage: Array(100).fill({ host: 'x', pane: '%1' }) }],
    ['delegate', { ...hosta.job(), timeouts: { timeout_seconds: 1e12 } }],
    ['delegate', { ...hosta.job(), depth: -1 }],
    ['text', { job_id: 'a2aaaaaa-x', what: '../prompt.md', offset: 0 }],
    ['events', { job_id: 'a2aaaaaa-x', after: 'all' }],
    ['put', { upload: 'u', offset: 0, text: 5, last: true }],
    ['answer', { job_id: 'a2aaaaaa-x', decision: 'maybe' }],
  ] as const;
  for (const [command, params] of wrong)
    expect(await hosta.error(command, params), JSON.stringify(params)).toMatchObject({ code: 'bad_input' });
  await hosta.send('prune', {});
  await hosta.say('ask', 'no JSON');
  await hosta.say('ask', { v: 1, id: 'x', command: 'list' });
  expect(await hosta.error('list', {}, { v: 2 })).toMatchObject({ code: 'conflict' });
  expect(await hosta.ask('list', {})).toEqual({ jobs: [], more: false });
  expect(hosta.answers.every(({ error }) => error?.code !== 'internal')).toBe(true);
  expect(lab.hubLog()).not.toContain('failed');
});

test('a prompt of 1 MiB comes in 22 pieces, each of which may be lost and come again', async () => {
  await lab.startPeer('mute');
  const prompt = 'ä'.repeat(LIMITS.promptBytes / 2);
  const size = 24 * 1024;
  const pieces = Array.from({ length: Math.ceil(prompt.length / size) }, (_, at) =>
    prompt.slice(at * size, (at + 1) * size),
  );
  expect(pieces).toHaveLength(22);
  const asked = hosta.job('', {
    session: 'tmux:mute',
    prompt: undefined,
    upload: 'u1',
    job_id: 'b2bbbbbb-big',
  });
  expect(await hosta.error('delegate', asked)).toMatchObject({ code: 'not_found' });
  for (const [at, text] of pieces.entries()) {
    const piece = { upload: 'u1', offset: at * size, text, last: at === pieces.length - 1 };
    if (at === 1) {
      expect(await hosta.error('put', { ...piece, offset: 2 * size })).toMatchObject({ code: 'conflict' });
      expect(await hosta.error('delegate', asked)).toMatchObject({ code: 'conflict' });
    }
    await hosta.ask('put', piece);
    if (at % 7 === 0) await hosta.ask('put', piece);
  }
  const more = { upload: 'u2', offset: 0, text: 'x', last: false };
  // Nobody else has it.
  const hostc = await world.asker('hostc');
  expect(await hostc.error('delegate', asked)).toMatchObject({ code: 'not_found' });
  expect(await hosta.ask('delegate', asked)).toMatchObject({ record: { prompt_bytes: LIMITS.promptBytes } });
  expect(readFileSync(lab.paths(asked.job_id).prompt, 'utf8')).toBe(prompt);
  // It is used up, and there is room for a few others only.
  expect(await hosta.error('delegate', { ...asked, job_id: 'c2cccccc-more' })).toMatchObject({
    code: 'not_found',
  });
  for (let n = 0; n < 8; n++) await hosta.ask('put', { ...more, upload: `more-${n}` });
  expect(await hosta.error('put', { ...more, upload: 'one-more' })).toMatchObject({ code: 'refused' });
});

test('the last page of a difference comes again if its answer was lost', async () => {
  await lab.startPeer('good');
  const repo = new Repository({ place: realpathSync(lab.project), name: 'repo' });
  lab.expected.push(/^p\/\.home\//);
  const asked = hosta.job('Mend the roof', { session: 'tmux:good', workdir: repo.folder });
  await hosta.ask('delegate', asked);
  const { job_id } = asked;
  await until('it is done', () => hosta.feed(job_id).find(({ record }) => record?.status === 'completed'));
  repo.write('readme.txt', 'slate\n'.repeat(6_000));
  const first = await hosta.ask('diff', { job_id });
  const rest = { job_id, page: first.page, offset: first.next_offset };
  const pages = [first, await hosta.ask('diff', rest, { id: 'the-same-ask' })];
  expect(await hosta.ask('diff', rest, { id: 'the-same-ask' })).toEqual(pages[1]);
  expect(pages[1]).not.toHaveProperty('page');
  const text = Buffer.concat(pages.map(({ data }) => Buffer.from(data, 'base64'))).toString();
  expect(text.match(/^\+slate$/gm)).toHaveLength(6_000);
  expect((await hosta.error('diff', rest)).code).toBe('not_found');
});

test('a key and a session of another host are not those of the same name here', async () => {
  await lab.startPeer('mute');
  const asked = hosta.job('Mend the roof', { session: 'tmux:mute', request_key: 'the-key' });
  await hosta.ask('delegate', asked);
  const words = [
    'Mend the roof',
    '--agent',
    'command',
    '--agent-session',
    'tmux:mute',
    '--request-key',
    'the-key',
  ];
  const own: Json = await lab.json('submit', '--no-wait', ...words);
  expect(own).toMatchObject({ repeated: false });
  expect(own['job_id']).not.toBe(asked.job_id);
  const mine = { session: 'cli', limit: 10, registry_dir: lab.registry };
  expect(await request(lab, 'list', mine)).toMatchObject({ jobs: [{ job_id: own['job_id'] }] });
});

/** Asks the hub as one of its own clients. */
function request(lab: Lab, command: 'list', params: Commands['list']['params']): Promise<unknown> {
  const { socket, realm, host } = lab.hub();
  const address = { kind: 'socket', path: socket } as const;
  return requestOnce({ address, realm, host, timeoutMs: 10_000, command, params });
}
