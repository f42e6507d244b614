import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { stage, write } from '../support/checked-job.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

const bytes = (...all: number[]): string => String.fromCharCode(...all);

/** Registered emulators of other machines are listed there. */
const BINFMT = '/proc/sys/fs/binfmt_misc';
const emulates = existsSync(BINFMT) && readdirSync(BINFMT).length > 2;

/** A script that could never run, its mode, and the text that says how to fix it. */
const NEVER: [what: string, text: string, mode: number, says: string][] = [
  ['Windows line endings', '#!/bin/bash\r\nexit 0\r\n', 0o755, "perl -pi -e 's/\\r$//'"],
  ['Windows line endings, read by bash', 'set -e\r\nexit 0\r\n', 0o644, "perl -pi -e 's/\\r$//'"],
  ['Windows line endings on line 1', '#!/usr/bin/env python3\r\nexit(0)\n', 0o755, 'Windows line endings'],
  ['a byte order mark', '\ufeff#!/bin/sh\nexit 0\n', 0o755, 'byte order mark'],
  ['UTF-16', `${bytes(0xff, 0xfe)}e\0x\0i\0t\0`, 0o644, 'iconv'],
  [
    'an interpreter that is missing',
    '#!/no/such/bash\nexit 0\n',
    0o755,
    '/no/such/bash is missing, or is not a program. Install it',
  ],
  ['one that env would not find', '#!/usr/bin/env -S pythn3 -u\nexit(0)\n', 0o755, 'pythn3 is missing'],
  ['another language, and no x bit', '#!/usr/bin/env node\nprocess.exit(0)\n', 0o644, 'chmod +x'],
];

if (!emulates)
  NEVER.push([
    'a program of another machine',
    `${bytes(0x7f)}ELF${'\0'.repeat(40)}`,
    0o755,
    'not a program of this machine',
  ]);

/** What keeps a script from running by the time the peer is done. */
const LATER: [what: string, how: (folder: string) => void, says: RegExp][] = [
  ['its folder is gone', (folder) => renameSync(`${folder}/place`, `${folder}/away`), /place is missing/],
  ['it is gone', (folder) => rmSync(`${folder}/check.sh`), /check\.sh cannot be read/],
  ['its interpreter is gone', (folder) => rmSync(`${folder}/shell`), /interpreter .*\/shell is missing/],
  [
    'its interpreter may not be run',
    (folder) => chmodSync(`${folder}/shell`, 0o644),
    /shell is missing, or is not a program/,
  ],
];

/** Each lab's own. */
const supervisors = new WeakMap<Lab, Promise<LabServer>>();
const supervisorOf = (lab: Lab): Promise<LabServer> => {
  const server = supervisors.get(lab) ?? lab.startServer();
  supervisors.set(lab, server);
  return server;
};

/** A job whose script needs its working folder and an interpreter that are next to it. */
async function fragile(lab: Lab, args: Record<string, unknown> = {}) {
  const made = await stage(
    lab,
    (folder) => {
      write(folder, 'place/file', '');
      const shell = write(folder, 'shell', '#!/bin/sh\nexec /bin/sh "$@"\n', 0o755);
      return write(folder, 'check.sh', `#!${shell}\nexit 0\n`, 0o755);
    },
    { args },
  );
  return made;
}

describe.concurrent('a script that could never run', () => {
  sharing.for(NEVER)('for %s is refused when its job is delegated', async ([, text, mode, says], { lab }) => {
    const path = lab.write(`never-${NEVER.findIndex((one) => one[1] === text)}.sh`, '');
    writeFileSync(path, Buffer.from(text, text.startsWith(bytes(0xff)) ? 'latin1' : 'utf8'));
    chmodSync(path, mode);
    const server = await supervisorOf(lab);
    for (const dry_run of [true, false]) {
      const order = { prompt: 'x', agent: 'human', validate: path, dry_run };
      const refusal = await server.refusal('delegate_job', order);
      expect(refusal).toContain(says);
      expect(refusal).toContain(path);
    }
    const shell = await lab.mam('submit', 'x', '--agent', 'human', '--validate', path);
    expect(shell).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(says) });
  });

  sharing('is not one with a single odd line, or without an interpreter line', async ({ lab }) => {
    const quiet = '#!/bin/bash\nexpected=\'a\r\n\'\n[ "$expected" != a ]\n';
    for (const script of [quiet, 'exit 0\n']) {
      const { server, reporter, jobId } = await stage(lab, script, { mode: 0o755 });
      await reporter.report(jobId, 'completed');
      const { jobs } = await server.ask('wait_job', { job_id: jobId });
      expect(jobs[0]).toMatchObject({ status: 'completed', validation: { outcome: 'passed', passed: true } });
    }
  });
});

describe.concurrent('a check that could not run', () => {
  sharing.for(LATER)('since %s, is for the supervisor', async ([, how, says], { lab }) => {
    const { folder, peer, server, reporter, jobId } = await fragile(lab, { validate_rounds: 2 });
    // In the job's own folder, which the delegation has checked.
    const elsewhere = await server.delegate(await lab.startPeer('mute'), {
      ...{ validate: `${folder}/check.sh`, workdir: `${folder}/place`, validate_rounds: 2 },
    });
    const id = elsewhere.job_id;
    how(folder);
    await reporter.report(id, 'completed', { detail: 'all done', result: 'the work' });
    const wait = await server.ask('wait_job', { job_id: id });
    expect(wait).toMatchObject({
      outcome: 'needs_attention',
      summary: expect.stringMatching(says),
      jobs: [
        {
          status: 'input_required',
          reason: 'question',
          detail: expect.stringMatching(/The peer said: all done$/),
          result: 'the work',
        },
      ],
    });
    const [{ validation, open_request, open_request_id }] = wait.jobs;
    expect(validation).toMatchObject({ outcome: 'could_not_run', problem: expect.stringMatching(says) });
    expect(validation.passed).toBeUndefined();
    expect(open_request).toMatch(/^The peer says that the work is done, but the check could not run: /);
    for (const step of ['verify_job', 'answer_job', open_request_id]) expect(wait.next).toContain(step);
    // It uses no round, and nobody tells the peer to fix what it did not cause.
    expect(lab.record(id)).toMatchObject({ messages: [], validation: { rounds: 0 } });
    expect(lab.record(id).validation?.script_changed).toBeUndefined();
    expect(peer.pastes).toHaveLength(1);
    expect((await lab.mam('status', id)).stdout).toMatch(says);
    expect((await lab.mam('logs', id)).stdout).toMatch(says);
    const { events } = await server.ask('job_logs', { job_id: id });
    expect(events.at(-1)).toMatchObject({
      ...{ type: 'validated', outcome: 'could_not_run', request_id: open_request_id },
    });
    expect(events.at(-1).round).toBeUndefined();
    await server.ask('cancel_job', { job_id: id });
    await server.ask('cancel_job', { job_id: jobId });
  });

  const undecided = async (lab: Lab, args: Record<string, unknown> = {}) => {
    const made = await fragile(lab, args);
    renameSync(`${made.folder}/shell`, `${made.folder}/shell.away`);
    await made.reporter.report(made.jobId, 'completed', { detail: 'all done' });
    const { jobs } = await made.server.ask('wait_job', { job_id: made.jobId });
    return { ...made, request_id: jobs[0].open_request_id as string };
  };

  sharing('is resolved by a decision: the work counts', async ({ lab }) => {
    const { folder, server, jobId, request_id } = await undecided(lab);
    renameSync(`${folder}/shell.away`, `${folder}/shell`);
    const verified = await server.ask('verify_job', { job_id: jobId });
    expect(verified).toMatchObject({ passed: true, status: 'input_required' });
    expect(verified.next).toContain(`"decision":"allow","request_id":"${request_id}"`);
    const other = { job_id: jobId, decision: 'allow', request_id: 'another' };
    expect(await server.refusal('answer_job', other)).toContain('has no permission request with this');
    const answered = await server.ask('answer_job', { job_id: jobId, decision: 'allow', request_id });
    expect(answered).toMatchObject({ status: 'completed', delivered: 'The work counts without its check.' });
    expect(lab.record(jobId)).toMatchObject({
      ...{ status: 'completed', detail: 'all done' },
      validation: { outcome: 'could_not_run', decision: 'allow', decided_by: 'supervisor' },
    });
    expect((await server.ask('job_status', { job_id: jobId })).summary).toContain('was accepted without it');
    expect(await server.refusal('answer_job', { job_id: jobId, decision: 'deny' })).toContain('is completed');
  });

  sharing('or does not', async ({ lab }) => {
    const { server, jobId } = await undecided(lab);
    // The decision is for the request that was shown.
    expect(await server.ask('answer_job', { job_id: jobId, decision: 'deny' })).toMatchObject({
      ...{ status: 'failed', reason: 'validation_failed' },
    });
    const { jobs, summary } = await server.ask('wait_job', { job_id: jobId, cursor: `${jobId}:0` });
    expect(jobs[0].validation.outcome).toBe('could_not_run');
    expect(summary).toContain('could not run');
  });

  sharing('or by the next report, which is checked again; nothing else resolves it', async ({ lab }) => {
    const { folder, server, reporter, jobId, request_id } = await undecided(lab);
    const asks = { status: 'input_required', detail: 'all done' };
    const words = await server.refusal('answer_job', { job_id: jobId, text: 'Yes, it counts.' });
    expect(words).toMatch(/waits for a decision.*"allow".*"deny"/s);
    expect((await lab.mam('answer', jobId, 'Yes')).stderr).toContain(`mam allow ${jobId}`);
    await reporter.report(jobId, 'progress', { detail: 'a stray one' });
    await reporter.report(jobId, 'question', { detail: 'Which one?' });
    expect(lab.record(jobId)).toMatchObject(asks);
    // Text answers are for the peer's own questions.
    const own = lab.record(jobId).requests.at(-1)?.request_id;
    await server.ask('answer_job', { job_id: jobId, text: 'The first.', request_id: own });
    expect(lab.record(jobId)).toMatchObject({ ...asks, attention: ['question'] });
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0].open_request_id).toBe(request_id);
    renameSync(`${folder}/shell.away`, `${folder}/shell`);
    await reporter.report(jobId, 'completed', { detail: 'all done' });
    await until('it is completed', () => lab.record(jobId).status === 'completed');
    expect(lab.record(jobId).validation).toMatchObject({ outcome: 'passed', passed: true });
    expect(lab.record(jobId).validation).toMatchObject({ rounds: 1 });
    expect(lab.record(jobId).validation?.problem).toBeUndefined();
  });

  sharing('leaves an ended job as it is, and says so', async ({ lab }) => {
    const { folder, server, reporter, jobId } = await fragile(lab, { timeout_seconds: 1 });
    const { cursor } = await server.ask('wait_job', { job_id: jobId });
    renameSync(`${folder}/shell`, `${folder}/shell.away`);
    const answer = await reporter.report(jobId, 'completed', { detail: 'late' });
    expect(JSON.stringify(answer)).toContain('amends that end if it passes its check');
    const told = await server.ask('wait_job', { job_id: jobId, cursor });
    expect(told.jobs[0]).toMatchObject({
      ...{ status: 'failed', reason: 'timeout', phase: 'started', validation: { outcome: 'could_not_run' } },
    });
    expect(told).toMatchObject({ outcome: 'final', summary: expect.stringContaining('could not run') });
    expect((await lab.mam('status', jobId)).stdout).toContain('COULD NOT RUN');
    renameSync(`${folder}/shell.away`, `${folder}/shell`);
    await reporter.report(jobId, 'completed', { detail: 'again' });
    await until('it is completed', () => lab.record(jobId).status === 'completed');
  });

  sharing('is reported by the command line, with its own exit code', async ({ lab, peer }) => {
    const script = lab.write('slow.sh', 'until [ -e never ]; do sleep 0.02; done\n');
    const to = ['--agent', 'command', '--trust-pane', '--agent-session', peer.session];
    const limits = ['--validate', script, '--validate-timeout', '1', '--validate-rounds', '3'];
    const submit = lab.start(['submit', 'Mend it', ...to, ...limits]);
    await peer.gets(1, 1);
    const id = /Job (\S+) was delegated/.exec(peer.pastes[0] ?? '')?.[1] ?? '';
    await (await lab.reporter).report(id, 'completed', { detail: 'done' });
    const { code, stdout } = await submit.ended;
    expect(code).toBe(4);
    expect(stdout).toContain('validation: COULD NOT FINISH  It did not finish within 1 s and was ended.');
    expect(stdout).toMatch(/next: mam verify \S+ && mam allow \S+ # or mam deny/);
    expect(lab.record(id)).toMatchObject({ status: 'input_required', validation: { rounds: 0 } });
    const question =
      /The peer says that the work is done, but the check could not finish: .* Does the work count all the same\? The peer said: done/;
    expect(stdout.split('\n').slice(-5).join('\n')).toMatch(question);
    expect((await lab.mam('wait', id, '--timeout', '1')).stdout).toMatch(question);
    const { jobs } = await (await supervisorOf(lab)).ask('list_jobs', { needs_you: true });
    const row = jobs.find(({ job_id }: { job_id: string }) => job_id === id);
    expect(row.detail).toMatch(/^The peer says that the work is done, but the check could not finish/);
    const verify = await lab.mam('verify', id, '--validate-timeout', '0.2');
    expect(verify).toMatchObject({ code: 124, stdout: 'validation: COULD NOT FINISH within 0.2 s\n' });
    const asked = { job_id: id, validate_timeout_seconds: 1 };
    expect(await (await supervisorOf(lab)).ask('verify_job', asked)).toMatchObject({
      ...{ passed: false, exit_code: 124, cut_off_after: 1 },
      summary: expect.stringContaining('was not judged: the script did not finish within 1 s'),
    });
    expect((await lab.mam('answer', id, '--allow')).code).toBe(0);
    expect(lab.record(id)).toMatchObject({ status: 'completed', detail: 'done' });
    await lab.mam('verify', id, '--validate-timeout', '0.2');
    for (const command of ['logs', 'status']) {
      const told = (await lab.mam(command, id)).stdout;
      expect(told, command).toMatch(/verified {2,}COULD NOT FINISH/);
      expect(told, command).not.toMatch(/verified.*(?:FAIL|late)/);
    }
    const { events } = await (await supervisorOf(lab)).ask('job_logs', { job_id: id });
    expect(events.at(-1)).toMatchObject({ type: 'verified', outcome: 'could_not_finish' });
    for (const name of ['late', 'passed']) expect(events.at(-1)).not.toHaveProperty(name);
  });
});

describe.concurrent('a check that looks through its working folder', () => {
  sharing('never finds its own output', async ({ lab }) => {
    // Each match would be printed, and found again, endlessly.
    const script = lab.write(
      'look.sh',
      'echo "needle$((40 + 2))"\ngrep -rh needle42 .mam && exit 1\nexit 0\n',
    );
    const { server, reporter, jobId } = await stage(lab, () => script, { args: { workdir: lab.project } });
    await reporter.report(jobId, 'completed');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'completed', validation: { passed: true } });
    expect(readFileSync(join(lab.record(jobId).log_dir, 'validate.log'), 'utf8')).toBe('needle42\n');
  });

  sharing('is reported if it finds our own files', async ({ lab }) => {
    const script = lab.write('where.sh', 'case $MAM_JOB_DIR in "$PWD"/.mam/jobs/*) touch told;; esac\n');
    const { server, reporter, jobId } = await stage(lab, () => script, { args: { workdir: lab.project } });
    await reporter.report(jobId, 'completed');
    await server.ask('wait_job', { job_id: jobId });
    expect(existsSync(join(lab.project, 'told'))).toBe(true);
  });
});
