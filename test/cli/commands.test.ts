import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../support/command.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
const runs: Ended[] = [];
afterEach(() => {
  // No command ever shows a stack trace.
  for (const { stdout, stderr } of runs.splice(0))
    expect(stdout + stderr).not.toMatch(/\n\s+at |node:internal|TypeError/);
});

function begin(): void {
  lab = new Lab();
  lab.expected.push(NOT_OURS);
}
/** Each of these tests has a lab of its own. */
function apart(): void {
  beforeEach(begin);
  afterEach(() => lab.end());
}
/** These tests share a lab: each looks at its own jobs. @param jobs planted before a hub runs */
function together(jobs: string[] = []): void {
  beforeAll(() => {
    begin();
    for (const id of jobs) plant(lab, id);
  });
  afterAll(() => lab.end());
}

async function mam(args: string[], options: Parameters<Lab['start']>[1] = {}): Promise<Ended> {
  const ended = await lab.start(args, { input: '', ...options }).ended;
  runs.push(ended);
  return ended;
}

const publish = (job: string, event: string, ...more: string[]): Promise<Ended> =>
  mam(['publish', '--job', job, '--event', event, ...more]);

describe('with a running hub', () => {
  together([
    ...['job', 'other', 'from-file', 'from-pipe', 'from-slow-pipe', 'fix-a-11111111', 'fix-b-22222222'],
    ...['mend-a-11111111', 'mend-b-22222222', 'good', 'bad', 'slow', 'asking', 'waited-for'],
  ]);

  describe('mam publish', () => {
    test('records every event, and the task comes with started', async () => {
      const started = await publish('job', 'started');
      expect(started).toMatchObject({ code: 0, stderr: '' });
      expect(started.stdout).toContain('The task of job');
      expect(started.stdout).toContain(`Work in ${lab.project}`);
      for (const event of ['progress', 'question', 'permission_required']) {
        const ended = await publish('job', event, '--detail', `words of ${event}`);
        expect(ended).toMatchObject({ code: 0, stderr: '' });
        const state = event === 'progress' ? 'is working' : 'needs an answer';
        expect(ended.stdout).toContain(`recorded: ${event}; job ${state}\n`);
      }
      const json = await publish('job', 'completed', '--detail', 'done', '--json');
      expect(JSON.parse(json.stdout)).toMatchObject({
        accepted: true,
        recorded: true,
        seq: 6,
        status: 'completed',
      });
      expect(lab.events('job').map(({ type, source }) => `${type}/${source}`)).toEqual([
        'queued/hub',
        'started/peer',
        'progress/peer',
        'question/peer',
        'permission_required/peer',
        'completed/peer',
      ]);
      await mam(['hub', 'stop']);
      expect((await publish('other', 'error', '--detail', 'no way')).code).toBe(0);
      expect((await mam(['wait', '--job', 'other'])).code).toBe(1);
      // Recorded as late, and the reporter is told; that is not a failure of the report.
      const late = await publish('other', 'completed');
      expect(late.code).toBe(0);
      expect(late.stderr).toContain('This job failed (agent_error) at ');
      const stop = await publish('other', 'started');
      expect(stop.stderr).toContain('Stop: ');
      expect(stop.stdout).not.toContain('The task');
    });

    test('takes a result from a file or from standard input, short and long', async () => {
      const file = join(lab.folder, 'result.txt');
      const long = '결과 '.repeat(100_000);
      writeFileSync(file, long);
      expect((await publish('from-file', 'completed', '--result-file', file)).code).toBe(0);
      expect(
        (
          await mam(['publish', '--job', 'from-pipe', '--event', 'completed', '--result-file', '-'], {
            input: 'from stdin',
          })
        ).code,
      ).toBe(0);
      // A pipe whose writer is slow.
      const slow = lab.start([
        'publish',
        '--job',
        'from-slow-pipe',
        '--event',
        'completed',
        '--result-file',
        '-',
      ]);
      await until('it reads', () => readFileSync(`/proc/${slow.child.pid}/stat`, 'latin1').includes(') S '));
      slow.child.stdin.write('first ');
      setTimeout(() => slow.child.stdin.end('second'), 100);
      expect(await slow.ended).toMatchObject({ code: 0, stderr: '' });
      const text = (id: string): string => {
        const event = lab.events(id).at(-1);
        const whole = event?.texts?.['result'];
        return whole === undefined
          ? (event?.result ?? '')
          : readFileSync(join(lab.registry, id, 'texts', whole), 'utf8');
      };
      expect(text('from-file') === long).toBe(true);
      expect(text('from-pipe')).toBe('from stdin');
      expect(text('from-slow-pipe')).toBe('first second');
      expect(readdirSync(join(lab.home, 'spool'))).toEqual([]);
      writeFileSync(file, 'x'.repeat(1024 * 1024 + 1));
      const tooLong = await publish('from-file', 'completed', '--result-file', file);
      expect(tooLong).toMatchObject({ code: 64, stderr: expect.stringContaining('longer than 1 MiB') });
      expect((await publish('from-file', 'completed', '--result-file', '/no/file')).code).toBe(64);
    });

    test('refuses a result that is not text, or that would be ignored', async () => {
      const file = join(lab.folder, 'result.bin');
      const before = lab.events('from-file').length;
      for (const bytes of [
        [0x62, 0xff],
        [0x62, 0x00],
      ]) {
        writeFileSync(file, Buffer.from(bytes));
        const { code, stderr } = await publish('from-file', 'completed', '--result-file', file);
        expect({ code, stderr }).toMatchObject({
          code: 64,
          stderr: expect.stringContaining('is not UTF-8 text'),
        });
      }
      writeFileSync(file, 'half of it');
      const { code, stderr } = await publish('from-file', 'progress', '--result-file', file);
      expect({ code, stderr }).toMatchObject({
        ...{
          code: 64,
          stderr: expect.stringContaining('is accepted only with completed or error, not with progress'),
        },
      });
      const faces = await publish('from-file', 'progress', '--detail', '😀'.repeat(1_001));
      expect(faces.stderr).toContain('longer than 2,000 characters (in UTF-16: an emoji counts as two)');
      expect(lab.events('from-file')).toHaveLength(before);
    });

    test('takes a unique beginning of an id from the registry', async () => {
      const { code, stdout } = await publish('fix-a', 'completed');
      expect([code, stdout]).toEqual([0, 'recorded: fix-a-11111111 is completed\n']);
      expect((await publish('fix', 'progress')).stderr).toContain(
        'fix is part of 2 job ids: fix-a-11111111 (completed), fix-b-22222222 (queued).',
      );
      const elsewhere = await mam(['publish', '--job', 'fix-b', '--event', 'progress'], { cwd: lab.folder });
      expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining('Give the whole id.') });
    });
  });

  describe('mam answer', () => {
    test('accepts the id as its first word', async () => {
      await (await lab.reporter).report('mend-a-11111111', 'question', { detail: 'Which?' });
      const answered = await mam(['answer', 'mend-a', 'the', 'first']);
      expect(answered).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.stringify(lab.events('mend-a-11111111').at(-1))).toContain('"the first"');
      expect(await mam(['answer', 'mend', 'hi there'])).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('mend is part of 2 job ids: '),
      });
      expect((await mam(['answer', 'mend-b-22222222', '--allow'])).stderr).toBe(
        'mam: Job mend-b-22222222 does not ask for a decision now: it is queued. `mam status mend-b-22222222` shows it.\n',
      );
    });
  });

  test('errors name options and commands, not tools and parameters', async () => {
    const { stderr } = await mam(['submit', '--agent', 'human', '--prompt', 'x', '--timeout', '0']);
    expect(stderr).toBe('mam: --timeout must be from 1 to 604800 seconds. Try --timeout 3600.\n');
    const weeks = await mam(['submit', '--agent', 'human', '--prompt', 'x', '--timeout', '8d']);
    expect(weeks.stderr).toContain('--timeout must be from 1 to 604800 seconds.');
    const max = await mam(['submit', '--agent', 'codex', '--prompt', 'x', '--new', '--max', '0']);
    expect(max.stderr).toBe('mam: --max must be 1 or more. Try --max 1.\n');
    const less = await mam(['submit', '--agent', 'codex', '--prompt', 'x', '--new', '--max', '-1']);
    expect(less).toMatchObject({
      ...{
        code: 64,
        stderr: 'mam: --max must be at least 1. Give a whole number from 1. See mam submit --help.\n',
      },
    });
    const rest = ['--agent', 'codex', '--dry-run'];
    for (const words of [
      ['Mend it', '--worktree', 'bad name'],
      ['--worktree', 'bad name', 'Mend', 'it'],
    ])
      expect(await mam(['submit', ...words, ...rest])).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('"bad name" can\'t be the value of --worktree'),
      });
    expect((await mam(['submit', '--worktree', 'Fix', ...rest])).stderr).toContain(
      "There is no task: 'Fix' was taken as the branch.",
    );
    const rounds = await mam(['submit', '--agent', 'human', '--prompt', 'x', '--validate-rounds', '11']);
    expect(rounds).toMatchObject({
      ...{ code: 64, stderr: 'mam: --validate-rounds must be from 0 to 10. Try --validate-rounds 10.\n' },
    });
    const submit = ['submit', '--agent', 'human', '--prompt', 'x'];
    for (const [args, words] of [
      [[...submit, '--request-key', 'k'.repeat(201)], '`--request-key` must have at most 200 characters.'],
      [[...submit, '--workdir', '/no/folder'], 'Set `--workdir` to an existing folder.\n'],
      [['answer', 'job', 'x'.repeat(2_001)], 'characters: put the text into a file and name the file.'],
      [['cancel', 'job', '--reason', 'x'.repeat(2_001)], 'characters: put the text into a file'],
    ] as const)
      expect(await mam([...args])).toMatchObject({ code: 64, stderr: expect.stringContaining(words) });
    const long = { input: 'x'.repeat(1024 * 1024 + 1) };
    const { stderr: said } = await mam(['submit', '--agent', 'human', '--prompt-file', '-'], long);
    expect(said).toBe('mam: The prompt is longer than 1 MiB: put the text into a file and name the file.\n');
  });

  describe('mam wait', () => {
    test('of a job: 0 completed, 1 failed, 3 time is up, 4 needs an answer, 69 unknown', async () => {
      const reporter = await lab.reporter;
      await reporter.report('good', 'completed');
      await reporter.report('bad', 'error', { detail: 'no' });
      await reporter.report('slow', 'started');
      await reporter.report('asking', 'question', { detail: 'Which one?' });
      const wait = (job: string, ...more: string[]): Promise<Ended> => mam(['wait', '--job', job, ...more]);
      expect((await wait('slow', '--timeout', '0.2')).code).toBe(3);
      const asking = await wait('asking');
      expect(asking.code).toBe(4);
      expect(asking.stdout).toContain('input_required (question)  Which one?');
      const unknown = await wait('nobody');
      expect(unknown.code).toBe(69);
      expect(unknown.stderr).toMatch(/There is no job/);
      for (const [job, code] of [
        ['good', 0],
        ['bad', 1],
        ['asking', 4],
      ] as const) {
        const json = await wait(job, '--json');
        expect(json.code).toBe(code);
        expect(JSON.parse(json.stdout).jobs[0].job_id).toBe(job);
      }
      const late = await wait('slow', '--timeout', '0.1', '--json');
      expect(JSON.parse(late.stdout).jobs[0]).toMatchObject({ job_id: 'slow', status: 'working' });
    });

    test('Ctrl-C ends the wait with 3, and the job continues', async () => {
      const reporter = await lab.reporter;
      await reporter.report('waited-for', 'started');
      const waiter = lab.start(['wait', '--job', 'waited-for']);
      // An event that it shows proves that its wait is active.
      await until('it waits', async () => {
        await reporter.report('waited-for', 'progress', { detail: 'half of it' });
        return waiter.seen.stdout.includes('half of it');
      });
      waiter.child.kill('SIGINT');
      const ended = await waiter.ended;
      runs.push(ended);
      const said = ['waiting for job waited-for.', 'stopped waiting; the job goes on.'];
      expect(ended).toMatchObject({ code: 3, stderr: said.map((line) => `mam: ${line}\n`).join('') });
      expect(ended.stdout).toContain('\nwaited-for  yours');
      await reporter.report('waited-for', 'completed');
    });
  });
});

describe('alone in its lab', () => {
  apart();

  describe('mam publish', () => {
    test('an unknown job is 1, with the open jobs named; ignored project settings are reported once', async () => {
      plant(lab, 'open');
      const ended = await publish('nobody', 'progress');
      expect(ended.code).toBe(1);
      expect(ended.stderr).toContain('There is no job with this id. Open jobs: open.');
      writeFileSync(join(lab.project, '.mam', 'config.json'), '{"realm":"team"}');
      const { stderr } = await mam(['done', 'open', 'there']);
      expect(stderr.match(/which you have not trusted/g)).toHaveLength(1);
    });

    test('is kept in the outbox with a note when no hub can start, and recorded when one can', async () => {
      plant(lab, 'job');
      mkdirSync(join(lab.home, 'hub.sock'));
      const [text, json] = await Promise.all([
        publish('job', 'progress', '--detail', 'kept'),
        publish('job', 'progress', '--json', '--detail', 'kept too'),
      ]);
      for (const ended of [text, json]) {
        expect(ended.code).toBe(0);
        expect(ended.stderr).toContain('mam: kept in the outbox; it will be delivered when the hub can');
      }
      expect(text.stdout).toBe('');
      expect(JSON.parse(json.stdout)).toMatchObject({ accepted: true, recorded: false });
      // A hub that finds it can't listen may have emptied the outbox before that.
      const outbox = join(lab.home, 'outbox');
      await until('both are in the outbox or recorded', () => {
        const texts = readdirSync(outbox).map((name) => readFileSync(join(outbox, name), 'utf8'));
        const known = [...texts.map((file) => JSON.parse(file)), ...lab.events('job')];
        return ['kept', 'kept too'].every((words) => known.some(({ detail }) => detail === words));
      });
      rmSync(join(lab.home, 'hub.sock'), { recursive: true });
      expect((await publish('job', 'progress', '--detail', 'new')).code).toBe(0);
      const details = lab.events('job').flatMap(({ detail }) => detail ?? []);
      expect(details.sort()).toEqual(['kept', 'kept too', 'new']);
      expect(readdirSync(join(lab.home, 'outbox'))).toEqual([]);
    });
  });

  describe('mam wait', () => {
    test('without a job waits for all open ones, continues past a question, and ends with the worst', async () => {
      for (const id of ['one', 'two', 'three']) plant(lab, id);
      const reporter = await lab.reporter;
      await reporter.report('one', 'started');
      const waiter = lab.start(['wait', '--timeout', '30']);
      await until('it waits', () => waiter.seen.stderr !== '');
      await reporter.report('two', 'question', { detail: 'Go on?' });
      await until('it tells of the question', () => waiter.seen.stdout.includes('input_required (question)'));
      await reporter.report('two', 'completed');
      await reporter.report('one', 'completed');
      await reporter.report('three', 'error', { detail: 'failed' });
      const ended = await waiter.ended;
      runs.push(ended);
      expect(ended).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^mam: waiting for 3 jobs: .*\n$/),
      });
      for (const words of ['one  completed', 'two  completed', 'three  failed (agent_error)  failed'])
        expect(ended.stdout).toContain(words);
      const none = await mam(['wait']);
      expect(none).toMatchObject({
        code: 0,
        stdout: `No open job in ${lab.registry}. Delegate one: mam submit "TASK"\n`,
      });
      expect(JSON.parse((await mam(['wait', '--json'])).stdout)).toMatchObject({
        jobs: [],
        outcome: 'final',
      });
    });

    test('without a job: a timeout is 3 even if one needs an answer, which is printed once', async () => {
      for (const id of ['one', 'two']) plant(lab, id);
      await (await lab.reporter).report('two', 'question', { detail: 'Go on?' });
      const { code, stdout } = await mam(['wait', '--timeout', '0.2']);
      expect(code).toBe(3);
      for (const id of ['one', 'two']) expect(stdout.match(new RegExp(`^${id} `, 'gm')), id).toHaveLength(1);
    });

    test('waits for more jobs than a page has, without a limit; ends quietly when its reader goes away', async () => {
      for (let n = 0; n < 203; n++) plant(lab, `job-${n}`);
      const { code, stdout } = await mam(['wait', '--timeout', '0', '--json']);
      expect(code).toBe(3);
      expect(JSON.parse(stdout).jobs).toHaveLength(203);
      for (const args of [['list', '--limit', '300'], ['help']]) {
        const { child, ended } = lab.start(args);
        child.stdin.end();
        child.stdout.destroy();
        const end = await ended;
        runs.push(end);
        expect(end.stderr).toBe('');
      }
      const waiter = lab.start(['wait', '--job', 'job-0', '--timeout', '1e30']);
      await publish('job-0', 'completed');
      expect((await waiter.ended).code).toBe(0);
    });
  });

  describe('mam status and mam list', () => {
    test('show jobs without starting a hub', async () => {
      plant(lab, 'job');
      const shown = await mam(['status', '--job', 'job']);
      expect(shown.code).toBe(0);
      for (const word of ['queued', 'The task of job', lab.project]) expect(shown.stdout).toContain(word);
      expect(JSON.parse((await mam(['status', '--job', 'job', '--json'])).stdout)).toMatchObject({
        job_id: 'job',
        status: 'queued',
        events: [{ type: 'queued' }],
      });
      expect((await mam(['status', '--job', 'nobody'])).code).toBe(69);
      expect((await mam(['status', '--job', '../x'])).code).toBe(64);
      expect((await mam(['status'])).code).toBe(64);
      expect((await mam(['list'])).stdout).toContain('job');
      expect(JSON.parse((await mam(['list', '--json', '--status', 'completed'])).stdout)).toMatchObject({
        jobs: [],
        total: 1,
      });
      expect(await mam(['list', '--status', 'sleeping'])).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('queued, working, input_required'),
      });
      for (const limit of ['0', '-1', 'x', '1.5'])
        expect((await mam(['list', `--limit=${limit}`])).code).toBe(64);
      const elsewhere = await mam(['list', '--registry-dir', join(lab.folder, 'none')]);
      expect(elsewhere.stderr).toContain(`The folder ${join(lab.folder, 'none')} does not exist.`);
      expect(lab.hubs).toEqual([]);
    });

    test('the command for the next page asks for the same jobs as this one', async () => {
      const registry = join(lab.folder, "its jobs'");
      for (const id of ['mine-1', 'other-1', 'mine-2', 'other-2', 'mine-3'])
        plant(lab, id, { agent: id.replace(/-\d/, '') }, registry);
      const seen: string[] = [];
      let next = `mam list --agent mine --status queued --limit 1 --registry-dir ${JSON.stringify(registry)}`;
      // It is made to be copied into a shell.
      for (; next.startsWith('mam list '); ) {
        const { stdout } = await promisify(execFile)(
          'bash',
          ['-c', next.replace('mam', `'${process.execPath}' '${PROGRAM}'`).concat(' --json')],
          { env: lab.env, cwd: lab.project },
        );
        const page = JSON.parse(stdout);
        seen.push(...page.jobs.map((job: { job_id: string }) => job.job_id));
        next = page.next;
      }
      expect(seen.sort()).toEqual(['mine-1', 'mine-2', 'mine-3']);
      const piped = await mam(['list', '--limit', '2', '--registry-dir', registry]);
      expect(piped.stdout.trimEnd().split('\n')).toHaveLength(2);
      expect(piped.stderr).toMatch(/^mam: mam list --limit 2 .* --cursor .* shows more\.$/m);
    });
  });

  describe('mam', () => {
    const COMMANDS = ['publish', 'status', 'list', 'wait', 'hub'];

    test('says what it can do, without a terminal or a home', async () => {
      for (const args of [['help'], ['--help'], ['-h']]) {
        const { code, stdout } = await mam(args);
        expect(code).toBe(0);
        for (const command of COMMANDS) expect(stdout).toContain(`  ${command}`);
      }
      expect((await mam(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      for (const command of COMMANDS) {
        const { code, stdout, stderr } = await mam([command, '--help']);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toContain(`Usage: mam ${command}`);
        expect(await mam([command, '--nonsense'])).toMatchObject({
          code: 64,
          stdout: '',
          stderr: expect.stringMatching(
            /^mam: There is no option --nonsense.*(?:Usage: mam .*|See mam [a-z-]+ --help\.)\n$/,
          ),
        });
      }
      expect(existsSync(lab.home)).toBe(false);
    });
  });
});

describe('without a hub', () => {
  together();

  test.each([
    [[], 'ID is missing. Run: mam publish ID EVENT.'],
    [['--job', 'x'], 'EVENT is missing'],
    [['x'], 'EVENT is missing'],
    [['x', 'done'], 'started, progress'],
    [['--job', 'x', '--event', 'done'], 'started, progress'],
    [['--job', 'A/B', '--event', 'progress'], 'not a job id'],
    [['--job', 'x', '--event', 'progress', '--detail', 'x'.repeat(2_001)], 'name the file in --detail.'],
    [['--job'], '--job has no value'],
    [['--jobs', 'x'], 'There is no option --jobs'],
    [['--even', 'x'], 'Did you mean --event?'],
  ])('wrong usage %j is 64 and one sentence', async (args, words) => {
    const ended = await mam(['publish', ...args]);
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toMatch(/^mam: .+\n$/);
    expect(ended.stderr).toContain(words);
    // Wrong usage starts nothing.
    expect(lab.hubs).toEqual([]);
  });

  test('an event that can be stored nowhere is 2', async () => {
    const file = join(lab.folder, 'file');
    writeFileSync(file, '');
    const ended = await mam(['publish', '--job', 'job', '--event', 'progress'], {
      env: { MAM_HOME: join(file, 'x') },
    });
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('could not be stored anywhere');
  });

  test.each([['abc'], ['-1'], ['']])('--timeout %j is 64', async (value) => {
    expect(await mam(['wait', `--timeout=${value}`])).toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('not a number of seconds'),
    });
  });

  test.each([
    [['pubish'], 'Did you mean mam publish?'],
    [['xyzzy'], 'See mam help.'],
    [['toString'], 'See mam help.'],
    [['__proto__'], 'See mam help.'],
    [['\u001b[31mred'], 'See mam help.'],
    [['--nonsense'], 'See mam help.'],
  ])('an unknown command %j is 64 and one sentence', async (args, words) => {
    const ended = await mam(args);
    expect(ended).toMatchObject({ code: 64, stdout: '' });
    expect(ended.stderr).toContain(words);
    expect(ended.stderr).not.toContain('\u001b');
  });
});
