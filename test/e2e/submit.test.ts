import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { isJobId } from '../../src/base/ids.ts';
import type { RunningCommand } from '../support/command.ts';
import type { Lab } from '../support/lab.ts';
import { sharing as sharingLab, test } from '../support/lab-test.ts';
import { ownRegistry } from '../support/own-registry.ts';
import type { Peer } from '../support/peer.ts';
import { until } from '../support/until.ts';

/** Never becomes ready, so that the hub answers only after its own timeout. */
const slow = { command: ['sh', '-c', 'stty raw -echo; exec cat'], ready: '^READY>', session: 'tmux:slow' };
/** Its dialogs are known. */
const asking = { dialog: 'Do you want to proceed' };
const sharing = sharingLab.extend<{ configured: undefined }>({
  configured: [
    async ({ lab }, use) => {
      lab.configure({ agents: { slow, asking } });
      await use(undefined);
    },
    { scope: 'file', auto: true },
  ],
});

const to = (peer: Peer): string[] => ['--agent', 'command', '--agent-session', peer.address];
const PERSON = ['--agent', 'human', '--no-wait'];
const linesOf = (stdout: string): string[] => stdout.trimEnd().split('\n');
/** The types of the printed events, in order. */
const shown = (stdout: string): string[] =>
  [...stdout.matchAll(/^\d\d:\d\d:\d\d\.\d{3} {2}\w+ +(\w+)/gm)].map(([, type = '']) => type);
const promptOf = (lab: Lab, jobId: string): string => readFileSync(lab.paths(jobId).prompt, 'utf8');
const idIn = (stdout: string): string => /^registered job: (\S+)$/m.exec(stdout)?.[1] ?? '';

const registered = ({ seen }: RunningCommand): Promise<string> =>
  until('the job is registered', () => idIn(seen.stdout) || false);

describe.concurrent('mam submit', () => {
  sharing('delegates, shows every event, and ends with the log folder', async ({ lab }) => {
    const peer = await lab.startPeer('good');
    const { code, stdout } = await lab.mam('submit', '--prompt', 'Mend the roof', ...to(peer));
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    const jobId = idIn(stdout);
    expect(lab.jobIds()).toContain(jobId);
    expect(lines[0]).toBe(`registered job: ${jobId}`);
    expect(lines.at(-1)).toBe(join(lab.registry, jobId));
    expect(shown(stdout)).toEqual(lab.types(jobId));
    expect(lab.record(jobId)).toMatchObject({
      status: 'completed',
      workdir: lab.project,
      supervisor: { client: 'cli' },
      timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 120 },
    });
  });

  sharing('says PASS or FAIL as its validation script does', async ({ lab }) => {
    const peer = await lab.startPeer('good', { args: ['--report', 'completed'] });
    lab.write('check.sh', 'test -e roof || { echo "no roof"; exit 7; }\n');
    const check = ['submit', '--prompt', 'Mend it', ...to(peer), '--validate', 'check.sh'];
    const failed = await lab.mam(...check);
    expect(failed.code).toBe(1);
    expect(linesOf(failed.stdout).slice(-4, -2)).toEqual(['validation: FAIL (exit 7)', '    no roof']);
    lab.write('roof', '');
    const passed = await lab.mam(...check);
    expect(passed.code).toBe(0);
    expect(linesOf(passed.stdout).at(-2)).toBe('validation: PASS');
    expect(linesOf(passed.stdout).at(-1)).toBe(join(lab.registry, idIn(passed.stdout)));
  });

  sharing('takes the task from a file and from standard input, byte for byte', async ({ lab }) => {
    const task = `Zeile eins\n\t한국어 ${'lang '.repeat(20_000)}\n`;
    const file = lab.write('task.md', task);
    const first = await lab.mam('submit', '--prompt-file', file, ...PERSON);
    expect(promptOf(lab, idIn(first.stdout))).toBe(task);
    const second = lab.start(['submit', '--prompt-file', '-', ...PERSON]);
    second.child.stdin.end('from a pipe');
    expect(promptOf(lab, idIn((await second.ended).stdout))).toBe('from a pipe');
  });

  sharing('ends with 4 and the next step when the job needs an answer', async ({ lab, reporter, peer }) => {
    const submit = lab.start(['submit', 'Paint the door', ...to(peer)]);
    const jobId = await registered(submit);
    await reporter.report(jobId, 'started');
    await reporter.report(jobId, 'question', { detail: 'Slate or tin?' });
    const { code, stdout } = await submit.ended;
    expect(code).toBe(4);
    expect(stdout).toContain(`next: mam answer ${jobId} "YOUR ANSWER"`);
    expect(linesOf(stdout).at(-1)).toBe(join(lab.registry, jobId));
    expect((await lab.mam('answer', '--job', jobId, 'Tin.')).code).toBe(0);
    await reporter.report(jobId, 'completed');
  });

  sharing('Ctrl-C while the job is handed over: its id is printed, and it continues', async ({ lab }) => {
    const submit = lab.start(['submit', 'Paint the shed', '--agent', 'slow', '--start']);
    const jobId = await until('the job is on disk', () =>
      lab.jobIds().find((id) => id.includes('-paint-the-shed')),
    );
    lab.sessions.add('slow');
    submit.child.kill('SIGINT');
    const { code, stdout, stderr } = await submit.ended;
    expect(code).toBe(3);
    expect(idIn(stdout)).toBe(jobId);
    expect(linesOf(stdout).at(-1)).toBe(join(lab.registry, jobId));
    expect(stderr).toContain('the job is being handed over; its id will follow shortly.');
    expect(stderr).toContain('stopped waiting; the job goes on.');
    expect(lab.record(jobId).status).toBe('queued');
    expect((await lab.mam('cancel', jobId)).code).toBe(0);
    expect((await lab.mam('stop', 'slow')).code).toBe(0);
  });

  sharing('Ctrl-C ends the wait with 3, and the job continues', async ({ lab, reporter, peer }) => {
    const submit = lab.start(['submit', 'Paint the door', ...to(peer)]);
    const jobId = await registered(submit);
    await reporter.report(jobId, 'started');
    await until('started is shown', () => submit.seen.stdout.includes(' started'));
    submit.child.kill('SIGINT');
    const { code, stderr } = await submit.ended;
    expect(code).toBe(3);
    expect(stderr).toContain('stopped waiting; the job goes on');
    expect(lab.record(jobId).status).toBe('working');
    await reporter.report(jobId, 'completed');
    expect((await lab.mam('wait', jobId)).code).toBe(0);
  });

  sharing('--no-wait comes back when the job is handed over', async ({ lab, reporter, peer }) => {
    const quick = await lab.mam('submit', 'Paint the door', ...to(peer), '--no-wait');
    const jobId = idIn(quick.stdout);
    expect(quick.code).toBe(0);
    expect(linesOf(quick.stdout)).toEqual([`registered job: ${jobId}`, join(lab.registry, jobId)]);
    await reporter.report(jobId, 'completed');
  });

  sharing('--no-wait says that the order stands unsent, and ends with 4', async ({ lab }) => {
    const peer = await lab.startPeer('mute', { args: ['--show', 'dialog'] });
    const there = ['--agent', 'asking', '--agent-session', peer.address];
    const { code, stdout, stderr } = await lab.mam('submit', 'Paint the door', ...there, '--no-wait');
    const jobId = idIn(stdout);
    expect(linesOf(stdout)).toEqual([`registered job: ${jobId}`, join(lab.registry, jobId)]);
    expect(stderr).toContain(`${jobId}  input_required (delivery_unverified)  ${lab.record(jobId).detail}`);
    expect(stderr).toContain(`next: mam attach ${jobId}`);
    expect(code).toBe(4);
    expect((await lab.mam('cancel', jobId)).code).toBe(0);
  });

  sharing('--no-wait says that the agent ended over the paste, and ends with 1', async ({ lab }) => {
    const peer = await lab.startPeer('dies', { inShell: true });
    const submitted = await lab.mam('submit', 'Paint the door', ...to(peer), '--no-wait', '--json');
    const { job_id, ...view } = JSON.parse(submitted.stdout);
    expect(view).toMatchObject({ status: 'failed', reason: 'session_lost', next: `mam logs ${job_id}` });
    expect(view.summary).toBe(`Job ${job_id} was delegated to command and is failed (session_lost).`);
    expect(view.detail).toBe(lab.record(job_id).detail);
    expect(submitted.code).toBe(1);
  });

  test('--dry-run shows what would be typed, and changes nothing', async ({ lab }) => {
    lab.write('bin/codex', '', 0o755);
    const dry = ['submit', '--prompt', 'Mend the roof', '--agent', 'codex', '--dry-run'];
    const missing = await lab.mam(...dry);
    expect(missing.code).toBe(69);
    expect(missing.stderr).toContain('No tmux server is running at');
    // What would be typed is known anyway.
    expect(missing.stdout).toContain('The task: Mend the roof');
    const started = lab.start([...dry, '--start'], {
      env: { PATH: `${lab.project}/bin:${lab.env['PATH']}` },
    });
    const { code, stdout, stderr } = await started.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('target: tmux:codex\n');
    expect(stdout).toMatch(/ read \S+prompt\.md/);
    expect(stderr).toContain('codex would be started in tmux:codex');
    expect(linesOf(stdout).at(-1)).toMatch(/\.mam\/jobs\/[a-z0-9]{8}-mend-the-roof$/);
    const person = await lab.mam('submit', 'Call', 'mum', '--agent', 'human', '--dry-run');
    expect(person.stdout).toContain('target: a person\n');
    expect(person.stdout).toMatch(/mam done [a-z0-9]{8}-call-mum /);
    expect(existsSync(join(lab.project, '.mam'))).toBe(false);
  });

  sharing('a job for a person is shown, waited for and reported by mam done', async ({ lab }) => {
    const { env, mam } = ownRegistry(lab);
    const submit = lab.start(['submit', 'Call mum', '--agent', 'human'], { env });
    const jobId = await registered(submit);
    expect((await mam('done', 'She is well.')).code).toBe(0);
    const { code, stdout } = await submit.ended;
    expect(code).toBe(0);
    expect(stdout).toContain(`mam done ${jobId} "THE OUTCOME"`);
    expect(stdout).toContain('She is well.');
    // A person's report, whoever typed it.
    const { events } = JSON.parse((await mam('logs', jobId, '--json')).stdout);
    expect(events.at(-1)).toMatchObject({ type: 'completed', source: 'person', by: 'person' });
  });

  sharing('waits for a task that arrives slowly through a pipe, and keeps it whole', async ({ lab }) => {
    const submit = lab.start(['submit', '--prompt-file', '-', ...PERSON]);
    await until('it reads', () => readFileSync(`/proc/${submit.child.pid}/stat`, 'latin1').includes(') S '));
    submit.child.stdin.write('a'.repeat(200_000));
    submit.child.stdin.end('b');
    const { code, stdout } = await submit.ended;
    expect(code).toBe(0);
    expect(promptOf(lab, idIn(stdout))).toBe(`${'a'.repeat(200_000)}b`);
  });

  sharing('a reader that goes away ends the wait with 3: the outcome is unknown', async ({ lab }) => {
    const submit = lab.start(['submit', 'Call mum', '--agent', 'human']);
    const jobId = await registered(submit);
    const logs = lab.start(['logs', jobId, '--follow']);
    await until('it follows', () => logs.seen.stdout.includes('submitted'));
    for (const { child } of [submit, logs]) child.stdout.destroy();
    await (await lab.reporter).report(jobId, 'progress', { detail: 'ringing' });
    for (const { ended } of [submit, logs]) expect((await ended).code).toBe(3);
  });

  sharing('mam done never ends a job other than the one that was named', async ({ lab }) => {
    const { env, mam, registry } = ownRegistry(lab);
    const server = await lab.startServer(env);
    const order = async (prompt: string): Promise<string> =>
      (await server.ask('delegate_job', { prompt, agent: 'human' })).job_id;
    const first = await order('Water the plants');
    expect((await mam('done', first)).code).toBe(0);
    const second = await order('Bring the key');
    // A final job gets a late report, a mistyped id nothing; neither is taken for a report on the other job.
    expect((await mam('done', first, 'late words')).stderr).toContain('has been completed');
    expect(await mam('done', 'water-the-plans', 'wet')).toMatchObject({
      ...{ code: 69, stdout: '' },
      stderr: expect.stringContaining(`Did you mean ${first}?`),
    });
    for (const part of ['water-the-plants', first.slice(0, 4)])
      expect((await mam('done', part, 'late', 'words')).stderr).toContain('has been completed');
    expect(lab.record(second, registry).status).toBe('working');
    const third = await order('Call mum');
    expect((await mam('done', 'call-m', 'She is well.')).code).toBe(0);
    expect(lab.record(third, registry)).toMatchObject({ status: 'completed', detail: 'She is well.' });
    expect((await mam('done', '--job', 'bring', 'It hangs.')).code).toBe(0);
    expect(lab.record(second, registry)).toMatchObject({ status: 'completed', detail: 'It hangs.' });
  });

  sharing('the log folder is the one of the settings', async ({ lab }) => {
    const logs = join(lab.folder, 'logs');
    lab.expected.push(/^logs\b/);
    const submit = lab.start(['submit', 'Mend it', '--agent', 'human'], {
      env: { DELEGATE_JOB_LOGS_DIR: logs },
    });
    await (await lab.reporter).report(await registered(submit), 'completed');
    const { stdout } = await submit.ended;
    expect(linesOf(stdout).at(-1)).toBe(join(logs, idIn(stdout)));
  });

  sharing('errors are reported with the next step, and leave no job', async ({ lab }) => {
    const { mam, registry } = ownRegistry(lab);
    writeFileSync(join(lab.project, 'latin.txt'), Buffer.from([0x66, 0xfc, 0x72]));
    const wrong: [string[], number, string][] = [
      [[], 64, 'There is no task.'],
      [['--prompt', 'x', '--prompt-file', 'y'], 64, 'The task is given twice.'],
      [['--prompt-file', 'missing.md'], 64, 'missing.md cannot be read (ENOENT)'],
      [['--prompt-file', 'latin.txt'], 64, 'is not UTF-8 text'],
      [['--prompt', ''], 64, 'The prompt is empty.'],
      [['x', '--agent', 'codxe'], 64, 'Did you mean codex?'],
      [['x', '--agent', 'command'], 64, 'Give --agent-session tmux:NAME'],
      [['x', '--timeout', 'soon'], 64, '--timeout is not a number of seconds.'],
      [['x', '--agent', 'human', '--validate-rounds', '3'], 64, 'Rounds need a check. Give `--validate`'],
      [['x', '--agent', 'human', '--start'], 64, 'A person cannot be started. Leave out `--start`.'],
      [['x', '--on-busy', 'wait'], 64, 'Use one of queue, refuse.'],
      [['x', '--validate', 'missing.sh', '--agent', 'human'], 64, 'cannot be read'],
      [
        ['x', '--agent', 'codex', '--agent-session', 'tmux:other'],
        69,
        'tmux:other. codex is not installed, or not on the PATH. Install',
      ],
    ];
    for (const [args, code, words] of wrong) {
      const ended = await mam('submit', ...args);
      expect({ args, code: ended.code, stdout: ended.stdout }).toEqual({ args, code, stdout: '' });
      expect(ended.stderr).toContain(words);
    }
    expect(existsSync(registry) ? readdirSync(registry).filter(isJobId) : []).toEqual([]);
  });

  sharing('a missing session can be started if its program is installed', async ({ lab }) => {
    const path = `${dirname(lab.write('programs/codex', '#!/bin/sh\n', 0o755))}:${process.env['PATH']}`;
    const submit = lab.start(['submit', 'x', '--agent', 'codex', '--agent-session', 'tmux:other'], {
      env: { PATH: path },
    });
    const { code, stderr } = await submit.ended;
    expect(code).toBe(69);
    expect(stderr).toContain(
      'tmux:other. Have it started: with `--start`, or by `mam start codex --name other`.',
    );
    // A dry run says first that it would be refused.
    const dry = lab.start(['submit', 'x', '--agent', 'codex', '--dry-run'], { env: { PATH: path } });
    const refused = await dry.ended;
    expect(refused).toMatchObject({ code: 69, stderr: expect.stringContaining('or by `mam start codex`.') });
    expect(refused.stdout).toMatch(
      /^dry run: nothing was changed; the job would be refused now: There is no/,
    );
    expect(refused.stdout).toContain('instructions, once that is fixed:');
  });
});

// After all others: it ends the shared hub.
describe('mam submit', () => {
  sharing('misses nothing while the hub is killed', async ({ lab, reporter, peer }) => {
    const submit = lab.start(['submit', 'Paint the door', ...to(peer)]);
    const jobId = await registered(submit);
    await reporter.report(jobId, 'started');
    for (let step = 0; step < 40; step++) {
      if (step === 10 || step === 25) await lab.killHub();
      await reporter.report(jobId, 'progress', { detail: `step ${step}` });
    }
    await reporter.report(jobId, 'completed', { detail: 'painted' });
    const { code, stdout } = await submit.ended;
    expect(code).toBe(0);
    expect(shown(stdout)).toEqual(lab.types(jobId));
  });
});
