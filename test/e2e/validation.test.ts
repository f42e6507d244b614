import { spawn } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { startOf } from '../../src/base/processes.ts';
import { stage, write } from '../support/checked-job.ts';
import { sharing } from '../support/lab-test.ts';
import { isRunning } from '../support/processes.ts';
import { until } from '../support/until.ts';

/** Says when it starts, and runs until a file lets it end; with a child that would outlive it. */
const HELD = [
  'echo begun; echo $$ >> pids',
  'sleep 1000 &',
  'echo $! >> pids',
  'until [ -e go ]; do sleep 0.02; done',
  '',
].join('\n');

/** The verdict comes before the peer's claim, wherever there is room for one line only. */
const FAILED = /^The check failed \(exit 7\): (red|line 1000 of many)\. The peer said: done$/;

const pidsOf = (folder: string) =>
  existsSync(`${folder}/pids`)
    ? readFileSync(`${folder}/pids`, 'utf8').split('\n').filter(Boolean).map(Number)
    : [];
const begun = (folder: string, count = 2) => until('the script runs', () => pidsOf(folder).length >= count);

describe.concurrent('a validation script', () => {
  sharing('that passes completes the job', async ({ lab }) => {
    const { server, reporter, jobId } = await stage(lab, 'echo all well\nexit 0\n');
    const told = await reporter.report(jobId, 'completed', { detail: 'done' });
    // Or it has already finished.
    expect(['working', 'completed']).toContain(told.status);
    expect(told.next).toContain('being checked by the validation script');
    const answer = await server.ask('wait_job', { job_id: jobId });
    expect(answer).toMatchObject({
      outcome: 'final',
      jobs: [
        {
          status: 'completed',
          detail: 'done',
          validation: { passed: true, exit_code: 0, output_tail: 'all well\n' },
        },
      ],
    });
    const record = lab.record(jobId);
    expect(record.validation).toMatchObject({
      passed: true,
      exit_code: 0,
      rounds: 1,
      output_tail: 'all well\n',
    });
    expect(record.validation?.script_changed).toBeUndefined();
    expect(readFileSync(`${record.log_dir}/validate.log`, 'utf8')).toBe('all well\n');
    expect(lab.types(jobId).slice(-3)).toEqual(['completed', 'validating', 'validated']);
  });

  sharing('runs with the whole PATH of whoever delegated the job, however long', async ({ lab }) => {
    const PATH = `${lab.env['PATH']}:${'/long'.repeat(1_000)}`;
    const server = await lab.startServer({ PATH });
    const validate = write(lab.project, 'path.sh', 'echo "$PATH"; exit 7\n');
    const { job_id: id } = await server.ask('delegate_job', { prompt: 'Mend it', agent: 'human', validate });
    await (await lab.reporter).report(id, 'completed');
    await server.ask('wait_job', { job_id: id });
    expect(readFileSync(`${lab.record(id).log_dir}/validate.log`, 'utf8')).toBe(`${PATH}\n`);
  });

  sharing('that fails fails the job, with its exit code and the end of its output', async ({ lab }) => {
    const script =
      'for i in $(seq 1000); do echo "line $i of many"; done\nprintf "\\033[31mred\\033[0m" >&2\nexit 7\n';
    const { server, reporter, jobId } = await stage(lab, script);
    await reporter.report(jobId, 'completed', { detail: 'done' });
    const answer = await server.ask('wait_job', { job_id: jobId });
    expect(answer.jobs[0]).toMatchObject({
      ...{ status: 'failed', reason: 'validation_failed', validation: { passed: false, exit_code: 7 } },
      detail: expect.stringMatching(FAILED),
    });
    const { jobs } = await server.ask('list_jobs', {});
    expect(jobs.find(({ job_id }: { job_id: string }) => job_id === jobId).detail).toMatch(FAILED);
    expect((await lab.mam('list')).stdout).toMatch(/The check failed \(exit 7\): .* The peer said: done/);
    const { validation, log_dir } = lab.record(jobId);
    expect(validation).toMatchObject({ passed: false, exit_code: 7, rounds: 1 });
    // The two are read from a pipe each, in any order.
    expect(validation?.output_tail).toMatch(/line 1000 of many\n/);
    expect(validation?.output_tail).toContain('red');
    expect(validation?.output_tail?.length).toBeLessThanOrEqual(2_000);
    const log = readFileSync(`${log_dir}/validate.log`, 'utf8');
    expect(log).toMatch(/^line 1 of many\n/);
    expect(log).toContain('\x1b[31mred');
    // The peer cannot amend a verdict.
    const late = await reporter.report(jobId, 'completed', { detail: 'but it is' });
    expect(late).toMatchObject({ accepted: false, recorded: true, status: 'failed' });
    expect(lab.record(jobId)).toMatchObject({ status: 'failed', reason: 'validation_failed', late: false });
  });

  sharing('that prints a character in two pieces is shown correctly', async ({ lab }) => {
    const { server, reporter, jobId } = await stage(lab, "printf '\\355\\225'; sleep 0.3; printf '\\234!'\n");
    await reporter.report(jobId, 'completed');
    await lab.event(jobId, 'validated');
    expect(lab.record(jobId).validation?.output_tail).toBe('한!');
    expect(await server.ask('verify_job', { job_id: jobId })).toMatchObject({ output_tail: '한!' });
  });

  sharing('that is killed by a signal has failed', async ({ lab }) => {
    const { reporter, jobId } = await stage(lab, 'kill -TERM $$\n');
    await reporter.report(jobId, 'completed');
    await lab.event(jobId, 'validated');
    expect(lab.record(jobId)).toMatchObject({ reason: 'validation_failed', validation: { exit_code: 143 } });
  });

  sharing.for([
    ['without an x bit, by bash', 'echo "$BASH_VERSION" > ran-by\n', 0o644, /^\d+\./],
    ['with one, by its own first line', '#!/bin/sh\necho "sh:$0" > ran-by\n', 0o755, /^sh:.*check\.sh/],
  ] as const)('runs %s, in workdir, with its environment', async ([, script, mode, by], { lab }) => {
    const env = 'env > env.txt\npwd > cwd\nls -la "$MAM_JOB_DIR" > files\ntrue\n';
    const { folder, reporter, jobId } = await stage(lab, script + env, { mode });
    await reporter.report(jobId, 'completed');
    await lab.event(jobId, 'validated');
    const read = (name: string) => readFileSync(`${folder}/${name}`, 'utf8');
    expect(read('ran-by')).toMatch(by);
    expect(read('cwd').trim()).toBe(folder);
    expect(read('env.txt').split('\n')).toEqual(
      expect.arrayContaining([
        `JOB_ID=${jobId}`,
        `REGISTRY_DIR=${lab.registry}`,
        `MAM_JOB_DIR=${lab.paths(jobId).folder}`,
        `PATH=${lab.env['PATH']}`,
      ]),
    );
    expect(read('files')).toContain('prompt.md');
    expect(lab.record(jobId).status).toBe('completed');
  });

  sharing('that was changed after the delegation is not run, and the job fails', async ({ lab }) => {
    const args = { validate_rounds: 3, trust_pane: true };
    const { folder, peer, server, reporter, jobId } = await stage(lab, 'exit 1\n', { args });
    write(folder, 'check.sh', 'touch ran\nexit 0\n');
    await reporter.report(jobId, 'completed', { detail: 'done' });
    const wait = await server.ask('wait_job', { job_id: jobId, cursor: `${jobId}:0` });
    const sentence = 'The validation script was changed since the job was delegated';
    const record = lab.record(jobId);
    expect(record).toMatchObject({ status: 'failed', reason: 'validation_failed', messages: [] });
    expect(record.validation).toMatchObject({
      passed: false,
      script_changed: true,
      rounds: 0,
      exit_code: 126,
    });
    expect(existsSync(`${folder}/ran`)).toBe(false);
    expect(peer.pastes).toHaveLength(1);
    expect(lab.types(jobId)).not.toContain('validating');

    expect(wait.summary).toContain(sentence);
    expect(wait.jobs[0]).toMatchObject({ detail: `${sentence}, so it was not run.` });
    expect(wait.events.at(-1)).toMatchObject({
      type: 'validated',
      detail: expect.stringContaining(sentence),
    });
    const status = await server.ask('job_status', { job_id: jobId });
    expect(status.summary).toContain(sentence);
    const detail = ({ jobs }: { jobs: { job_id: string; detail?: string }[] }) =>
      jobs.find(({ job_id }) => job_id === jobId)?.detail;
    expect(detail(await server.ask('list_jobs'))).toContain(sentence);
    expect(detail(JSON.parse((await lab.mam('list', '--json')).stdout))).toContain(sentence);
    for (const command of [
      ['status', jobId],
      ['logs', jobId],
      ['wait', '--job', jobId],
    ])
      expect((await lab.mam(...command)).stdout, command.join(' ')).toContain(sentence);

    // Running it by hand runs the current version.
    const verified = await server.ask('verify_job', { job_id: jobId });
    expect(verified).toMatchObject({ passed: true, script_changed: true, status: 'failed' });
    expect(existsSync(`${folder}/ran`)).toBe(true);
  });

  sharing('that would now be run by another program counts as changed', async ({ lab }) => {
    const script = '#!/bin/false\nexit 0\n';
    const { folder, server, reporter, jobId } = await stage(lab, script, { mode: 0o755 });
    chmodSync(`${folder}/check.sh`, 0o644);
    await reporter.report(jobId, 'completed', { detail: 'done' });
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ reason: 'validation_failed', validation: { script_changed: true } });
  });

  sharing('that is temporarily replaced while it runs does not count', async ({ lab }) => {
    const { folder, server, reporter, jobId } = await stage(lab, HELD);
    await reporter.report(jobId, 'completed', { detail: 'done' });
    await begun(folder);
    const path = `${folder}/check.sh`;
    renameSync(path, `${path}.old`);
    write(folder, 'check.sh', 'exit 0\n');
    renameSync(`${path}.old`, path);
    write(folder, 'go', '');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({
      ...{ status: 'failed', reason: 'validation_failed' },
      detail: expect.stringContaining('was changed since the job was delegated, while it was running'),
      validation: { passed: false, script_changed: true },
    });
  });

  sharing('that is temporarily in another folder while it runs does not count', async ({ lab }) => {
    // An interpreter reads its script some time after the system has started it.
    const { folder, server, reporter, jobId } = await stage(lab, (place) => {
      const held = `touch ${place}/begun; until [ -e ${place}/go ]; do sleep 0.02; done`;
      const slow = write(place, 'slow', `#!/bin/sh\n${held}\nexec sh "$1"\n`, 0o755);
      const back = `mv ${place}/checks ${place}/evil; mv ${place}/away ${place}/checks`;
      write(place, 'evil/check.sh', `${back}\nexit 0\n`, 0o755);
      return write(place, 'checks/check.sh', `#!${slow}\nexit 1\n`, 0o755);
    });
    await reporter.report(jobId, 'completed', { detail: 'done' });
    await until('it has begun', () => existsSync(`${folder}/begun`));
    renameSync(`${folder}/checks`, `${folder}/away`);
    renameSync(`${folder}/evil`, `${folder}/checks`);
    write(folder, 'go', '');
    const { jobs } = await server.ask('wait_job', { job_id: jobId });
    expect(jobs[0]).toMatchObject({ status: 'failed', validation: { passed: false, script_changed: true } });
  });

  sharing('ends with everything that it started, even in a separate session', async ({ lab }) => {
    const script = [
      'rm -f pids',
      'setsid sleep 1000 &',
      'echo $! >> pids',
      "setsid bash -c 'sleep 1000 & echo $! >> pids; wait' > /dev/null 2>&1 &",
      'until [ "$(wc -l < pids)" = 2 ]; do sleep 0.02; done',
      '',
    ].join('\n');
    const { folder, server, reporter, jobId } = await stage(lab, script);
    await reporter.report(jobId, 'completed');
    await server.ask('wait_job', { job_id: jobId });
    await until('all of it is gone', () => !pidsOf(folder).some(isRunning));
    expect(pidsOf(folder)).toHaveLength(2);
    await server.ask('verify_job', { job_id: jobId });
    await until('again', () => !pidsOf(folder).some(isRunning));
    await lab.mam('verify', jobId);
    await until('and again', () => !pidsOf(folder).some(isRunning));
  });

  sharing('that prints endlessly leaves the beginning and the end of its output', async ({ lab }) => {
    const script = 'echo first words\nyes | head -c 6000000\necho last words\nexit 3\n';
    const { reporter, jobId } = await stage(lab, script, { args: { validate_rounds: 1 } });
    for (const round of [1, 2]) {
      await reporter.report(jobId, 'completed');
      await until(`round ${round}`, () => lab.record(jobId).validation?.rounds === round);
    }
    const file = `${lab.record(jobId).log_dir}/validate.log`;
    expect(statSync(file).size).toBeLessThan(5_000_000);
    const log = readFileSync(file, 'utf8');
    expect(log).toMatch(/^first words\n/);
    expect(log).toMatch(/last words\n$/);
    expect(log.match(/\n\[… \d+ bytes left out …\]\n/g)).toHaveLength(2);
    expect(log.match(/last words/g)).toHaveLength(2);
  });

  sharing('completed twice while it runs changes nothing', async ({ lab }) => {
    const { folder, server, reporter, jobId } = await stage(lab, HELD);
    await reporter.report(jobId, 'completed', { detail: 'first' });
    await begun(folder);
    expect(lab.record(jobId)).toMatchObject({ status: 'working', phase: 'validating' });
    await reporter.report(jobId, 'completed', { detail: 'second' });
    expect(lab.record(jobId)).toMatchObject({ status: 'working', phase: 'validating', detail: 'first' });
    write(folder, 'go', '');
    await server.ask('wait_job', { job_id: jobId });
    expect(lab.record(jobId)).toMatchObject({
      status: 'completed',
      detail: 'first',
      validation: { rounds: 1 },
    });
    // It ran once, and what it left in its group was ended with it.
    expect(pidsOf(folder)).toHaveLength(2);
    await until('its group is gone', () => !pidsOf(folder).some(isRunning));
  });

  sharing('is ended by an error of the peer', async ({ lab }) => {
    const { folder, reporter, jobId } = await stage(lab, HELD);
    await reporter.report(jobId, 'completed');
    await begun(folder);
    await reporter.report(jobId, 'error', { detail: 'I was wrong' });
    expect(lab.record(jobId)).toMatchObject({
      status: 'failed',
      reason: 'agent_error',
      detail: 'I was wrong',
    });
    await until('its group is gone', () => !pidsOf(folder).some(isRunning));
    expect(lab.types(jobId)).not.toContain('validated');
  });

  sharing('is ended with its whole group when the job is cancelled', async ({ lab }) => {
    const { folder, server, reporter, jobId } = await stage(lab, HELD);
    await reporter.report(jobId, 'completed');
    await begun(folder);
    const wait = server.wait({ job_id: jobId });
    await server.ask('cancel_job', { job_id: jobId });
    expect((await wait.answer).jobs[0].status).toBe('cancelled');
    await until('its group is gone', () => !pidsOf(folder).some(isRunning));
    expect(lab.processes.filter(({ command }) => command.includes(`${folder}/check.sh`))).toEqual([]);
    expect(lab.record(jobId)).toMatchObject({ status: 'cancelled' });
    expect(lab.types(jobId)).not.toContain('validated');
  });

  sharing('judges a late completed, too', async ({ lab }) => {
    const { reporter, jobId } = await stage(lab, 'exit 0\n', { args: { timeout_seconds: 1 } });
    await lab.event(jobId, 'timeout');
    await reporter.report(jobId, 'completed', { detail: 'late' });
    await lab.event(jobId, 'validated');
    expect(lab.record(jobId)).toMatchObject({ status: 'completed', late: true, detail: 'late' });
  });
});

// After all others: it ends the shared hub.
describe('a validation script', () => {
  sharing('is ended by the next hub if MAM_HOME says so, not because a journal names it', async ({ lab }) => {
    const { folder, server, reporter, jobId } = await stage(lab, HELD);
    await reporter.report(jobId, 'completed');
    await begun(folder);
    const [script = 0] = pidsOf(folder);
    const bystander = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const { pid = 0 } = bystander;
    try {
      await lab.killHub();
      const last = lab.events(jobId).at(-1);
      const planted = { ...last, seq: (last?.seq ?? 0) + 1, event_id: 'planted', type: 'validating' };
      const data = { pid, start: startOf(pid) };
      appendFileSync(lab.paths(jobId).journal, `${JSON.stringify({ ...planted, data })}\n`);
      await server.ask('job_status', { job_id: jobId });
      await begun(folder, 4);
      expect(isRunning(script)).toBe(false);
      expect(isRunning(pid)).toBe(true);
    } finally {
      bystander.kill('SIGKILL');
    }
    write(folder, 'go', '');
    // The planted line has the number of the hub's next.
    await until('it is completed', () => lab.record(jobId).status === 'completed');
    expect(existsSync(`${lab.home}/checks/${jobId}.json`)).toBe(false);
  });
});
