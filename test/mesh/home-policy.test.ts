import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MayConfig } from '../../src/settings/hosts-config.ts';
import { all, HomeWorld } from '../support/hosts/home-world.ts';
import type { RawAsker } from '../support/hosts/raw-asker.ts';
import type { Lab } from '../support/lab.ts';
import { until } from '../support/until.ts';

let world: HomeWorld;
let lab: Lab;
let hosta: RawAsker;
afterEach(({ task }) => world.end(task.result?.state === 'fail'));

/** What may be asked about a job. */
const OF_A_JOB: readonly [command: string, params: object][] = [
  ['events', { after: 0 }],
  ['text', { what: 'result', offset: 0 }],
  ['screen', {}],
  ['answer', { text: 'yes' }],
  ['cancel', {}],
  ['verify', {}],
  ['diff', {}],
  ['merge', { into: '/tmp' }],
  ['discard', {}],
];

/** Lets hosta do everything but this. */
function allow(change: Partial<MayConfig>, more: object = {}): void {
  world.allow({ hosta: { ...all(lab), ...change }, hostc: all(lab) }, more);
}

describe('a broker with rules', () => {
  beforeEach(async () => {
    world = await HomeWorld.make();
    lab = world.lab;
    allow({});
    await world.start();
    hosta = await world.asker();
  });

  test('each key of may counts with the next ask', async () => {
    await lab.startPeer('mute');
    const job = (more: object = {}) => hosta.job('Mend the roof', { session: 'tmux:mute', ...more });
    const refused = async (command: string, params: object, key: string): Promise<void> => {
      const error = await hosta.error(command, params);
      expect(error, key).toMatchObject({ code: 'refused', hint: expect.stringContaining(key) });
    };
    const open = job();
    await hosta.ask('delegate', open);
    const script = lab.write('checks/check.sh', '#!/bin/sh\nexit 0\n', 0o755);

    allow({ delegate: false });
    await refused('delegate', job(), 'may.delegate');
    await refused('preview', job(), 'may.delegate');
    await refused('put', { upload: 'u', offset: 0, text: 'x' }, 'may.delegate');
    for (const [command, params] of OF_A_JOB)
      await refused(command, { job_id: open.job_id, ...params }, 'may.delegate');
    await refused('agents', {}, 'may.delegate');

    allow({ agents: ['codex'] });
    await refused('delegate', job(), 'may.agents');
    await refused('start', { agent: 'claude-code', session: 'tmux:own' }, 'may.agents');
    expect((await hosta.error('start', { agent: 'claude-code' })).message).toContain('of kind claude-code');
    // A profile may do what its kind may not.
    const bold = { agents: { bold: { extends: 'codex', permission_mode: 'never' } } };
    allow({ agents: ['codex'] }, bold);
    expect((await hosta.error('start', { agent: 'bold' })).message).toContain('of kind bold');
    expect((await hosta.ask('agents', {})).agents.map(({ agent }: { agent: string }) => agent)).not.toContain(
      'bold',
    );
    allow({ agents: ['bold'], sessions: ['tmux:bold'] }, bold);
    await refused('start', { agent: 'codex' }, 'may.agents');
    expect((await hosta.error('delegate', job({ agent: 'bold', session: undefined }))).code).toBe(
      'not_found',
    );
    allow({ sessions: ['tmux:good'] });
    await refused('delegate', job(), 'may.sessions');
    await refused('delegate', job({ session: 'mute' }), 'may.sessions');
    await refused('stop', { session: 'tmux:mute' }, 'may.sessions');
    allow({ sessions: undefined });
    await refused('delegate', job(), 'may.sessions');

    allow({ start: false });
    await refused('delegate', job({ start: true }), 'may.start');
    await refused('start', { agent: 'codex' }, 'may.start');
    await refused('stop', { session: 'tmux:mute' }, 'may.start');
    allow({ validate: false });
    await refused('delegate', job({ validate: script }), 'may.validate');
    allow({ validate: [join(lab.project, 'others')] });
    await refused('delegate', job({ validate: script }), 'may.validate');
    allow({ decide: false });
    await refused('answer', { job_id: open.job_id, decision: 'allow' }, 'may.decide');
    await refused('merge', { job_id: open.job_id, into: lab.project }, 'may.decide');
    await refused('discard', { job_id: open.job_id }, 'may.decide');
    expect(await hosta.ask('answer', { job_id: open.job_id, text: 'Use slate' })).toMatchObject({
      delivered: expect.stringContaining('instruction'),
    });
    await refused('list', { see: 'all' }, 'may.see');
    allow({ max_open_jobs: 1 });
    await refused('delegate', job(), 'may.max_open_jobs');
    expect(lab.jobIds()).toEqual([open.job_id]);

    allow({ validate: [join(lab.project, 'checks')], max_open_jobs: 3 });
    const both = await Promise.all(
      [1, 2, 3].map(() => hosta.reply('delegate', job({ validate: script, workdir: lab.project }))),
    );
    expect(both.map(({ error }) => error?.code ?? 'taken').sort()).toEqual(['refused', 'taken', 'taken']);
    const [checked] = (await hosta.ask('list', {})).jobs;
    expect(await hosta.ask('verify', { job_id: checked.job_id })).toMatchObject({ passed: true });
  });

  test('settings that cannot be read allow nothing, and are named as the reason', async () => {
    const job = hosta.job('Mend the roof', { session: 'tmux:mute' });
    world.allow({ hosta: { ...all(lab), workdirs: ['not/absolute'] } });
    expect(await hosta.error('delegate', job)).toMatchObject({
      code: 'refused',
      message: expect.stringContaining("settings there can't be used"),
      hint: expect.stringContaining('`mam doctor`'),
    });
  });

  test('a folder that is not allowed stays so, whatever leads there', async () => {
    await lab.startPeer('mute');
    const work = join(lab.project, 'work');
    const outside = join(lab.folder, 'outside');
    for (const folder of [work, outside, join(work, 'roof')]) mkdirSync(folder);
    symlinkSync(outside, join(work, 'link'));
    symlinkSync(work, join(lab.project, 'also'));
    lab.expected.push(/^p\/(also|work\/link)$/);
    allow({ workdirs: [work] });
    const job = (workdir?: string) => hosta.job('Mend the roof', { session: 'tmux:mute', workdir });
    for (const folder of [outside, join(work, 'link'), `${work}/../../outside`, `${work}x`, lab.project, '/'])
      expect(await hosta.error('delegate', job(folder)), folder).toMatchObject({
        code: 'refused',
        message: 'Your host may not use this working folder.',
      });
    // What is missing is told only where it is allowed, and without the path.
    expect(await hosta.error('delegate', job(join(outside, 'no')))).toMatchObject({ code: 'refused' });
    const missing = await hosta.error('delegate', job(join(work, 'no')));
    expect(missing).toMatchObject({ code: 'bad_input', message: expect.stringContaining('does not exist') });
    expect(missing.message).not.toContain(lab.folder);
    const inside = await hosta.ask('delegate', job(join(lab.project, 'also', 'roof')));
    expect(inside.record.workdir).toBe(join(work, 'roof'));
    expect((await hosta.ask('delegate', job())).record.workdir).toBe(work);
    allow({ workdirs: [] });
    expect(await hosta.error('delegate', job())).toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('may.workdirs'),
    });
  });

  test('a job of another host is as unknown as one that never was', async () => {
    await lab.startPeer('mute');
    const hostc = await world.asker('hostc');
    const theirs = hostc.job('Paint the door', { session: 'tmux:mute' });
    await hostc.ask('delegate', theirs);
    const own = await lab.json(
      ...['submit', 'Clean the gutter', '--agent', 'command', '--agent-session', 'tmux:mute', '--no-wait'],
    );
    for (const [command, params] of OF_A_JOB) {
      const unknown = await hosta.error(command, { job_id: 'z2zzzzzz-nothing', ...params });
      expect(unknown.code).toBe('not_found');
      for (const job_id of [theirs.job_id, own['job_id']])
        expect(await hosta.error(command, { job_id, ...params }), command).toEqual(unknown);
    }
    expect(await hosta.ask('list', {})).toEqual({ jobs: [], more: false });
    allow({ see: 'all' });
    expect((await hosta.ask('list', { see: 'all' })).jobs).toHaveLength(2);
    expect(await hosta.ask('events', { job_id: theirs.job_id, after: 0 })).toMatchObject({ more: false });
    expect(await hosta.error('cancel', { job_id: theirs.job_id })).toMatchObject({ code: 'not_found' });
    expect(hosta.feed(theirs.job_id)).toEqual([]);
  });

  test('errors name no other job, no pane and no path', async () => {
    const peer = await lab.startPeer('mute');
    await lab.startSession('good', 'exec bash --norc --noprofile');
    const hostc = await world.asker('hostc');
    const theirs = hostc.job('Paint the door', { session: 'tmux:mute' });
    await hostc.ask('delegate', theirs);
    const failing: [string, object][] = [
      ['delegate', hosta.job('x', { session: 'tmux:mute', on_busy: 'refuse' })],
      ['delegate', hosta.job('x', { session: 'tmux:good' })],
      ['delegate', hosta.job('x', { session: 'tmux:asker' })],
      ['delegate', hosta.job('x', { session: 'tmux:mute', validate: join(lab.project, 'none.sh') })],
      ['delegate', hosta.job('x', { session: 'tmux:mute', agent: 'nonsense' })],
      ['delegate', hosta.job(' ', { session: 'tmux:mute' })],
      ['delegate', hosta.job('x', { session: 'tmux:mute', depth: 99 })],
      ['stop', { session: 'tmux:mute' }],
      ['stop', { session: 'tmux:asker' }],
      ['start', { agent: 'nonsense', session: 'tmux:own' }],
    ];
    for (const [command, params] of failing) {
      const { code, message, hint } = await hosta.error(command, params);
      expect(code).not.toBe('internal');
      for (const secret of [theirs.job_id, peer.pane, lab.folder, 'tmux:good', 'good,'])
        expect(`${message} ${hint}`, command).not.toContain(secret);
    }
    // An answer too: what it waits for is somebody else's.
    const queued = await hosta.ask('delegate', hosta.job('x', { session: 'tmux:mute' }));
    expect(queued).toMatchObject({ position: 1, behind: [] });
    expect(queued.warnings.join()).not.toContain(theirs.job_id);
    expect(
      (await hosta.ask('agents', {})).agents
        .map(({ session }: { session?: { session: string } }) => session?.session)
        .filter(Boolean),
    ).toEqual(['mute']);
  });

  test('a session that is not named must be allowed too', async () => {
    await lab.startPeer('mute');
    const robot = { agents: { robot: { session: 'tmux:mute', ready: '^READY> *$' } } };
    const job = (more: object = {}) => hosta.job('Mend the roof', { agent: 'robot', ...more });
    for (const sessions of [['tmux:good'], []]) {
      world.allow({ hosta: { ...all(lab), sessions } }, robot);
      for (const command of ['delegate', 'preview'])
        expect(await hosta.error(command, job())).toMatchObject({
          code: 'refused',
          hint: expect.stringContaining('may.sessions'),
        });
    }
    expect(lab.jobIds()).toEqual([]);
    world.allow({ hosta: { ...all(lab), sessions: ['mute'] } }, robot);
    expect((await hosta.ask('delegate', job())).record.agent_session).toMatchObject({ session: 'mute' });
  });

  test('a job that waits for its pane shows nothing of the job that has it', async () => {
    await lab.startPeer('mute');
    await lab.json(
      ...['submit', 'Clean the gutter', '--agent', 'command', '--agent-session', 'tmux:mute', '--no-wait'],
    );
    const waiting = hosta.job('Mend the roof', { session: 'tmux:mute' });
    await hosta.ask('delegate', waiting);
    expect(await hosta.ask('screen', { job_id: waiting.job_id })).toEqual({
      screen: [],
      live: true,
      missing: 'The job waits for its pane.',
    });
    await hosta.ask('cancel', { job_id: waiting.job_id });
    expect(await hosta.error('text', { job_id: waiting.job_id, what: 'screen', offset: 0 })).toMatchObject({
      code: 'not_found',
    });
    expect((await hosta.ask('screen', { job_id: waiting.job_id })).screen).toEqual([]);
  });

  test('a host that sees the jobs of others reports only on its own', async () => {
    await lab.startPeer('mute');
    const { job_id: id } = await lab.json(
      ...['submit', 'Clean the gutter', '--agent', 'command', '--agent-session', 'tmux:mute', '--no-wait'],
    );
    allow({ see: 'all' });
    expect((await hosta.ask('list', { see: 'all' })).jobs).toMatchObject([{ job_id: id }]);
    const own = hosta.job('Mend the roof', { session: 'tmux:mute' });
    await hosta.ask('delegate', own);
    const claim = { type: 'completed', source: 'peer', at: new Date().toISOString() };
    for (const job_id of [id, own.job_id])
      await hosta.say(`claim/${job_id}`, { ...claim, event_id: `of-${job_id}`, job_id, detail: 'Done' });
    const [last] = await until('the last report is answered', () => {
      const answered = hosta.answers.filter((one) => one.id.startsWith('of-'));
      return answered.some((one) => one.id === `of-${own.job_id}`) ? answered : undefined;
    });
    // The first is answered no more than one about a job that is not there.
    expect(last).toMatchObject({ id: `of-${own.job_id}`, result: { recorded: true } });
    expect(await lab.json('status', id)).not.toMatchObject({ status: 'completed' });
    expect(lab.types(id as string)).not.toContain('completed');
  });

  test('an agent is not given a job that waits for its own, over whatever hosts', async () => {
    const peer = await lab.startPeer('mute');
    await lab.startPeer('mute', { session: 'own' });
    const first = hosta.job('Mend the roof', { session: 'tmux:mute' });
    await hosta.ask('delegate', first);
    const lineage = [
      { host: 'hosta', pane: '%7' },
      { host: 'hostb', pane: peer.pane, job_id: first.job_id },
    ];
    const back = (session: string) => hosta.job('Ask back', { session, lineage, depth: 2 });
    expect(await hosta.error('delegate', back('tmux:mute'))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('waits for your own work'),
    });
    const other = back('tmux:own');
    await hosta.ask('delegate', other);
    expect(lab.record(other.job_id)).toMatchObject({ depth: 2, lineage });
    expect(await hosta.error('delegate', { ...back('tmux:own'), depth: 5 })).toMatchObject({
      code: 'refused',
    });
    await hosta.ask('cancel', { job_id: first.job_id });
    await hosta.ask('delegate', back('tmux:mute'));
  });

  test('only its owner speaks for a host, and only a host that is named is heard', async () => {
    await lab.startPeer('mute');
    const hostc = await world.asker('hostc');
    const hostd = await world.stranger('hostd');
    const forged = hostc.job('Burn the roof', { session: 'tmux:mute' });
    // The broker drops it without a word.
    await hostc.send('delegate', forged, { as: 'hosta', id: 'forged-ask' });
    await hostc.ask('list', {});
    await hostd.send('delegate', forged);
    await lab.logged('hostd has sent something');
    const own = hosta.job('Mend the roof', { session: 'tmux:mute' });
    await hosta.ask('delegate', own);
    expect(lab.jobIds()).toEqual([own.job_id]);
    expect(hosta.answers.map(({ id }) => id)).not.toContain('forged-ask');
    expect(hostd.answers).toEqual([]);
  });
});

test('where the broker does not check who sends, nothing is done for anybody, unless the user trusts it', async () => {
  world = await HomeWorld.make({ open: true });
  lab = world.lab;
  await lab.startPeer('mute');
  allow({});
  await world.start();
  hosta = await world.stranger('hosta', true);
  const asked = hosta.job('Mend the roof', { session: 'tmux:mute' });
  for (const [command, params] of [
    ['delegate', asked],
    ['list', {}],
    ['agents', {}],
  ] as const)
    expect(await hosta.error(command, params)).toMatchObject({
      code: 'refused',
      message: 'the broker does not check who sends.',
    });
  world.allow({ hosta: all(lab) }, { trust_realm: true });
  await world.start();
  await hosta.ask('delegate', asked);
  expect(lab.jobIds()).toEqual([asked.job_id]);
});

test('a job works in the project of its folder, with the settings of this user', async () => {
  world = await HomeWorld.make();
  lab = world.lab;
  await lab.startPeer('mute');
  const shop = join(lab.project, 'shop');
  mkdirSync(join(shop, 'src'), { recursive: true });
  execFileSync('git', ['init', '-q', shop]);
  const kinds = { roofer: { session: 'tmux:mute', ready: 'READY>' } };
  world.allow({ hosta: { ...all(lab), sessions: undefined } }, { agents: kinds, max_depth: 1 });
  await world.start();
  hosta = await world.asker();
  const asked = hosta.job('Mend the roof', { agent: 'roofer', workdir: join(shop, 'src') });
  const { record } = await hosta.ask('delegate', asked);
  expect(record).toMatchObject({ registry_dir: join(shop, '.mam', 'jobs'), agent: 'roofer' });
  expect(record.agent_session.session).toBe('mute');
  expect(await hosta.error('delegate', { ...hosta.job('x', { agent: 'roofer' }), depth: 2 })).toMatchObject({
    code: 'refused',
  });
});
