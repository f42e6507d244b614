import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { draftEvent } from '../../src/job/event.ts';
import { publishOnce } from '../../src/link/one-shot.ts';
import { finding, lookWith, runDoctor } from '../support/doctor.ts';
import { test } from '../support/outside.ts';
import { until } from '../support/until.ts';

test('it runs for each request and for the end, with what wait_job says about the job', async ({ lab }) => {
  lab.note();
  const peer = await lab.startPeer('mute');
  const server = await lab.startServer();
  const reporter = await lab.reporter;
  const { job_id: id } = await server.delegate(peer, { prompt: 'Mend the roof\nand the wall' });
  await lab.begin(reporter, id);
  expect(lab.told).toEqual([]);
  await reporter.report(id, 'question', { detail: 'Slate\u001b[31m or\n"tin"?' });
  const [asked] = await lab.tells(1);
  const question = lab.events(id).find(({ type }) => type === 'question');
  expect(asked).toMatchObject({
    ...{ event: 'needs_you', count: 1, job_id: id, agent: 'command', session: 'mute' },
    ...{ status: 'input_required', reason: 'question', needs_you: true, open_request: 'Slate or\n"tin"?' },
    ...{ prompt_preview: expect.stringContaining('Mend the roof'), workdir: lab.project },
    ...{ registry_dir: lab.registry, type: 'question', source: 'peer' },
    ...{ seq: question?.seq, at: question?.recorded_at },
    summary: `${id} needs you (question): Slate or "tin"?`,
    next: expect.stringContaining('mam answer'),
  });
  const { jobs } = await server.ask('wait_job', { job_id: id });
  for (const [name, value] of Object.entries(jobs[0]))
    if (name in asked) expect([name, asked[name]]).toEqual([name, value]);
  // While it waits, nothing else happens to it.
  await reporter.report(id, 'progress', { detail: 'still here' });
  await server.ask('answer_job', { job_id: id, text: 'Slate' });
  await reporter.report(id, 'permission_required', { detail: 'rm the old roof' });
  expect((await lab.tells(2))[1]).toMatchObject({ event: 'needs_you', reason: 'permission' });
  await reporter.report(id, 'completed', { detail: 'Mended.', result: 'A roof' });
  expect((await lab.tells(3))[2]).toMatchObject({
    ...{ event: 'final', status: 'completed', result: 'A roof', type: 'completed' },
    summary: `${id} is completed: Mended.`,
  });
  await lab.mam('hub', 'restart');
  const [person] = await lab.give(server);
  expect((await lab.tells(4))[3]).toMatchObject({
    ...{ event: 'needs_you', job_id: person, agent: 'human', summary: `${person} is for you: Bring key 1` },
    next: `mam done ${person} "THE OUTCOME"`,
  });
  await lab.mam('done', person ?? '', 'Here.');
  await lab.tells(5);
  expect(lab.told.map(({ event, job_id: of }) => [event, of])).toEqual([
    ...[
      ['needs_you', id],
      ['needs_you', id],
      ['final', id],
    ],
    ...[
      ['needs_you', person],
      ['final', person],
    ],
  ]);
});

test('never twice, and what waits is not lost: a killed hub, the next one, a copied registry', async ({
  lab,
}) => {
  lab.hold();
  const server = await lab.startServer();
  const [first = ''] = await lab.give(server);
  await lab.tells(1);
  const [second = ''] = await lab.give(server);
  const waits = join(lab.home, 'on-event', `${second}.1.json`);
  await until('it waits', () => existsSync(waits));
  await lab.killHub();
  cpSync(lab.registry, join(lab.folder, 'p', 'copy', '.mam', 'jobs'), { recursive: true });
  lab.open();
  await server.ask('list_jobs');
  await lab.tells(2);
  await lab.logged(`was killed while on_event ran for ${first}.1: it may not have finished`);
  expect(existsSync(waits)).toBe(false);
  // A regular end, and another hub.
  await lab.mam('hub', 'restart');
  const copy = { cwd: join(lab.project, 'copy'), input: '' };
  expect((await lab.start(['list'], copy).ended).stdout).toContain(first);
  const [third = ''] = await lab.give(server);
  await lab.tells(3);
  expect(lab.told.map(({ job_id: id }) => id)).toEqual([first, second, third]);
});

test('many at once are one run, which says how many', async ({ lab }) => {
  lab.hold();
  const server = await lab.startServer();
  const ids = await lab.give(server, 12);
  await lab.tells(1);
  for (const id of ids.slice(0, 10)) await lab.mam('done', id, 'Done.');
  lab.open();
  await lab.tells(2);
  const [one, all] = lab.told;
  expect([lab.told.length, one.count, all.count]).toEqual([2, 1, 21]);
  expect(all).toMatchObject({ event: 'needs_you', left_out: 0, next: 'mam list --all' });
  // What is asked is there, not only that something is.
  const [last, other] = ids.slice(10);
  expect(all.summary).toMatch(
    new RegExp(`^2 need you: ${last} is for you: .+, ${other} is for you: .+ · 10 are final: `),
  );
  expect(all.summary).toMatch(/ is completed: Done\., .* and 7 more$/);
  expect(all.jobs).toHaveLength(12);
  expect(all.jobs[11]).toMatchObject({ event: 'final', job_id: ids[9], status: 'completed' });
});

test('its failure is found by the doctor and the log until it works again, without a restart', async ({
  lab,
}) => {
  lab.configure({ on_event: 'echo "one line" >&2; echo "no such host" >&2; exit 7' });
  expect((await lookWith(lab, ['on_event'])).of('hub.on_event')).toMatchObject(
    finding('ok', { title: 'has not run yet' }),
  );
  const server = await lab.startServer();
  const [id = ''] = await lab.give(server);
  await lab.logged(`on_event failed for needs_you of ${id}: it ended with exit code 7: no such host`);
  const report = await runDoctor(lab);
  expect(report.of('hub.on_event')).toMatchObject(
    finding('problem', { title: `for needs_you of ${id}: it ended with exit code 7: no such host` }),
  );
  // It may hold a secret address.
  expect(report.text).not.toContain('one line');
  const failed = await lab.mam('hub', 'test-event');
  expect([failed.code, failed.stdout]).toEqual([
    69,
    expect.stringMatching(/exit code 7: no such host\none line\n$/),
  ]);
  expect((await lookWith(lab, ['on_event'])).of('hub.on_event').title).toContain('2 times in a row since');

  lab.configure({ on_event: ['no-such-program'] });
  expect((await lab.mam('hub', 'test-event')).stdout).toContain('there is no program no-such-program');
  lab.note();
  expect(await lab.json('hub', 'test-event')).toEqual({ took_ms: expect.any(Number), output: '' });
  expect(lab.told).toMatchObject([{ event: 'test', count: 1, summary: 'mam: this is a test of on_event' }]);
  expect((await lookWith(lab, ['on_event'])).of('hub.on_event')).toMatchObject(
    finding('ok', { title: 'works' }),
  );
  await lab.logged('on_event works again');

  // While the file is being edited, the last command counts.
  lab.configure('{"on_event": ');
  const { socket, realm } = lab.hub();
  await publishOnce({
    ...{ address: { kind: 'socket', path: socket }, realm, timeoutMs: 10_000 },
    claim: draftEvent(id, 'completed', { source: 'person' }),
  });
  expect((await lab.tells(2))[1]).toMatchObject({ event: 'final', job_id: id });
  lab.configure({});
  const none = await lab.mam('hub', 'test-event');
  expect([none.code, none.stderr]).toEqual([64, expect.stringContaining('on_event is not set.')]);
  expect((await lookWith(lab, ['on_event'])).findings).toEqual([]);
});

test("the command gets a small environment, in the user's home, and MAM_HOME may be full", async ({
  lab,
}) => {
  lab.configure({ on_event: 'env >> $HOME/p/env; pwd >> $HOME/p/env; cat >> $HOME/p/told' });
  const server = await lab.startServer({ MAM_BROKER_PASSWORD: 'hush', TOKEN: 'hush' });
  // Nothing can be kept there.
  writeFileSync(join(lab.home, 'on-event'), '');
  const [id = ''] = await lab.give(server);
  await lab.tells(1);
  await lab.logged('an event is not kept for the next hub');
  const { stdout } = await lab.run('sort', ['env']);
  expect(stdout).toContain(`\nMAM_HOME=${lab.home}\n`);
  expect(stdout).toContain('\nMAM_EVENT=needs_you\n');
  expect(stdout).toContain(`\nMAM_SUMMARY=${id} is for you: Bring key 1\n`);
  expect(stdout).toContain(`${lab.folder}\n`);
  expect(stdout).not.toMatch(/hush|TMUX=|MAM_ROLE/);
  rmSync(join(lab.home, 'on-event'));
});

test("a project's own on_event never counts, trusted or not", async ({ lab }) => {
  lab.expected.push(/^h\/trust\//);
  lab.write('.mam/config.json', JSON.stringify({ on_event: 'touch $HOME/p/evil', realm: 'default' }));
  const shown = await lab.mam('trust', '--show');
  expect(shown.stdout).toContain('on_event (ignored: only the one in MAM_HOME counts): "touch $HOME/p/evil"');
  expect((await lab.mam('trust', '--yes')).stdout).toContain(
    'on_event (ignored: only the one in MAM_HOME counts)',
  );
  expect((await lookWith(lab, ['settings', 'on_event'])).of('settings.project')).toMatchObject(
    finding('note', { title: 'sets on_event, which has no effect: only the one in MAM_HOME counts.' }),
  );
  const server = await lab.startServer();
  await lab.give(server);
  expect((await lab.mam('hub', 'test-event')).stderr).toContain('on_event is not set.');
  lab.note();
  await lab.mam('hub', 'test-event');
  expect([existsSync(join(lab.project, 'evil')), lab.told.length]).toEqual([false, 1]);
});
