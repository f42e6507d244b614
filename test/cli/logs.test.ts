import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ended } from '../support/command.ts';
import { Lab, NOT_OURS } from '../support/lab.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { plant, signed } from '../support/plant.ts';
import { until } from '../support/until.ts';

let lab: Lab;
beforeEach(() => {
  lab = new Lab({ TZ: 'Asia/Seoul' });
  lab.expected.push(NOT_OURS);
});
afterEach(() => lab.end());

/** As the peer does it, over its own server. */
const report = async (job: string, event: string, more: Record<string, string> = {}): Promise<void> => {
  await (await lab.reporter).report(job, event, more);
};
/** A job that has ended, without a hub that has seen it. */
function plantEnded(id: string): void {
  plant(lab, id);
  const now = new Date().toISOString();
  const event = { seq: 2, event_id: `${id}-2`, job_id: id, type: 'completed', source: 'peer' };
  const line = signed(lab.home, id, { ...event, at: now, recorded_at: now });
  writeFileSync(lab.paths(id).journal, line, { flag: 'a' });
}
const json = ({ stdout }: Ended) => JSON.parse(stdout);

/** A job with everything that a reader may look for. */
async function tell(id: string): Promise<void> {
  plant(lab, id);
  await report(id, 'started');
  await report(id, 'question', { detail: 'Slate or tin?' });
  await lab.mam('answer', '--job', id, 'Slate');
  await report(id, 'progress', { detail: 'a \x1b[31mred\x1b[0m word\nand the next line' });
  await report(id, 'permission_required', { detail: 'May I cut the tree?' });
  await lab.mam('answer', '--job', id, '--allow');
  await report(id, 'completed', { detail: 'the roof is whole', result: 'tile\n'.repeat(2_000) });
  await report(id, 'progress', { detail: 'too late' });
}

describe('mam logs', () => {
  test('shows all of a job that has ended, without a hub, as text and as JSON', async () => {
    await tell('roof');
    await lab.mam('hub', 'stop');
    const { code, stdout, stderr } = await lab.mam('logs', 'roof');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lab.hubs).toEqual([]);
    // A word of each part: head, day, who, request and decision, text of several lines, result, late, foot.
    for (const part of [
      /^job +roof$/m,
      /^prompt +The task of roof$/m,
      /^\w+day, \d{4}-\d\d-\d\d$/m,
      /person +question +Slate or tin\?/,
      /person +answered +Slate\n +\(to: Slate or tin\?\)/,
      /progress +a red word\n +and the next line/,
      /person +answered +allow: May I cut the tree\?/,
      /completed +the roof is whole\n +result: │ tile/,
      /\(10000 characters; all of it is in .*\/texts\/[0-9a-f]{64}\)/,
      /progress +\(late\) too late/,
      /^ended +completed, /m,
      /^took +queued .*, with its peer .*, total /m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toContain('\x1b');
    // This machine's zone, which is not the hub's.
    const at = new Date(lab.events('roof')[1]?.recorded_at ?? 0);
    const hour = String((at.getUTCHours() + 9) % 24).padStart(2, '0');
    expect(stdout).toMatch(new RegExp(`^${hour}:\\d\\d:\\d\\d\\.\\d{3} .* started`, 'm'));

    // The same as one JSON object with the fields of the tool, its texts whole.
    const all = json(await lab.mam('logs', '--job', 'ro', '--json'));
    expect(all).toMatchObject({
      ...{ job_id: 'roof', status: 'completed', more: false },
      next: 'mam status roof',
    });
    expect(all.events.at(-2).result).toBe('tile\n'.repeat(2_000));
    const tool = await (await lab.startServer()).ask('job_logs', { job_id: 'roof' });
    const { result: _, ...row } = all.events.at(-2);
    const { result: __, ...shown } = tool.events.at(-2);
    expect(row).toEqual(shown);
    expect(Object.keys(tool).filter((field) => !(field in all))).toEqual([]);
    const some = json(await lab.mam('logs', 'roof', '--json', '--after', '5'));
    expect(some.events).toEqual(all.events.slice(5));
  });

  test('shows the screen and the output of the check', async () => {
    plantEnded('roof');
    writeFileSync(join(lab.registry, 'roof', 'screen.txt'), 'READY> \x1b[31mred\n');
    writeFileSync(join(lab.registry, 'roof', 'validate.log'), 'not ok 1\n');
    const both = await lab.mam('logs', 'roof', '--include', 'screen,validation');
    expect(both.stdout).toContain('The screen when it ended\nREADY> red\n');
    expect(both.stdout).toContain('The output of the check\nnot ok 1\n');
    expect(both.stdout).not.toContain('question');
    const wrong = await lab.mam('logs', 'roof', '--include', 'pictures');
    expect(wrong).toMatchObject({ code: 64, stderr: expect.stringContaining('events, screen, validation') });
    plant(lab, 'open');
    const live = json(await lab.mam('logs', 'open', '--json', '--include', 'screen'));
    expect(live).toMatchObject({ screen: '', screen_live: true, screen_missing: 'The job has no pane.' });
  });

  test('lists the log folders, and reads one whose registry is gone', async () => {
    const logs = join(lab.folder, 'logs');
    mkdirSync(join(logs, 'gone'), { recursive: true });
    const env = { MAM_LOGS_DIR: logs };
    plant(lab, 'gone', { log_dir: join(logs, 'gone') });
    await report('gone', 'completed', { detail: 'over' });
    await until('the copy is there', () => existsSync(join(logs, 'gone', 'events.jsonl')));
    await lab.mam('hub', 'stop');
    rmSync(join(lab.registry, 'gone'), { recursive: true });
    plant(lab, 'here');

    const rows = json(await lab.start(['logs', '--list', '--json'], { env }).ended);
    expect(rows.total).toBe(2);
    expect(
      rows.logs.map(({ job_id, status, log_dir }: Record<string, string>) => [job_id, status, log_dir]),
    ).toEqual([
      ['here', 'queued', join(lab.registry, 'here')],
      ['gone', 'completed', join(logs, 'gone')],
    ]);
    const text = await lab.start(['logs', '--list', '--limit', '1'], { env }).ended;
    expect(text.stdout).toMatch(/^here\tqueued\t.*\n… 1 more; --limit 2 shows all\.\n$/);
    expect((await lab.start(['logs', 'gon'], { env }).ended).stdout).toMatch(/completed +over/);
    expect(await lab.mam('logs', 'gone')).toMatchObject({ code: 69 });
    // Its late hub finds no such job, and removes its pointer.
    await lab.mam('hub', 'status');
  });

  test.each([
    [[], 64, 'No job was given'],
    [['nobody'], 69, 'There is no job with this id'],
    [['roof', '--list'], 64, '--list is for all jobs'],
    [['roof', '--follow', '--include', 'screen'], 64, 'events only'],
    [['--after', 'x', 'nobody'], 64, '--after is not a whole number'],
  ])('%j is %i', async (args, code, words) => {
    expect(await lab.mam('logs', ...args)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(words),
    });
  });

  test('ends with its reader, and reports damage', async () => {
    plant(lab, 'roof');
    const line = (seq: number) =>
      `\n${signed(lab.home, 'roof', { seq, event_id: `e${seq}`, job_id: 'roof', type: 'progress', source: 'peer', at: '', recorded_at: new Date().toISOString(), detail: 'x'.repeat(500) })}\n`;
    const many = Array.from({ length: 3_000 }, (_, n) => line(n + 2)).join('');
    writeFileSync(lab.paths('roof').journal, `${many}{"torn`, { flag: 'a' });
    const script = `"${process.execPath}" "${PROGRAM}" logs roof | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const out = execFileSync('bash', ['-c', script], { cwd: lab.project, env: lab.env, encoding: 'utf8' });
    expect(out).toBe('job      roof\n0\n');
    expect((await lab.mam('logs', 'roof')).stderr).toMatch(/^mam: Line \d+ of .* cannot be read/);
  });
});

describe('mam logs --follow', () => {
  test('shows each event once and in order while its hub is killed, and ends with the job', async () => {
    plant(lab, 'roof');
    await report('roof', 'started');
    const text = lab.start(['logs', 'roof', '-f']);
    const rows = lab.start(['logs', 'roof', '--follow', '--json']);
    await until(
      'both follow',
      () => text.seen.stdout.includes('started') && rows.seen.stdout.includes('started'),
    );
    for (let n = 0; n < 9; n++) {
      await report('roof', 'progress', { detail: `step ${n}` });
      if (n % 3 === 1) await lab.killHub();
    }
    await until('it saw the last step', () => text.seen.stdout.includes('step 8'));
    await report('roof', 'completed', { detail: 'done' });
    const [shown, objects] = await Promise.all([text.ended, rows.ended]);
    expect(shown.code).toBe(0);
    expect([...shown.stdout.matchAll(/step (\d)/g)].map(([, n]) => Number(n))).toEqual([...Array(9).keys()]);
    expect(shown.stdout).toMatch(/completed +done\n\nended +completed/);
    const parsed = objects.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const end = parsed.pop();
    expect(parsed.map(({ seq }) => seq)).toEqual(lab.events('roof').map(({ seq }) => seq));
    expect(end).toMatchObject({
      ...{ job_id: 'roof', status: 'completed', more: false },
      next: 'mam status roof',
    });
    expect(end.events).toBeUndefined();
  });

  test('needs no hub for an ended job; Ctrl-C before that is 3', async () => {
    plantEnded('over');
    expect((await lab.mam('logs', 'over', '-f')).code).toBe(0);
    expect(lab.hubs).toEqual([]);
    plant(lab, 'open');
    const follow = lab.start(['logs', 'open', '-f']);
    await until('a hub runs for it', () => lab.hubs.length > 0);
    await report('open', 'progress', { detail: 'at it' });
    await until('it follows', () => follow.seen.stdout.includes('at it'));
    follow.child.kill('SIGINT');
    const ended = await follow.ended;
    expect(ended).toMatchObject({ code: 3, stderr: 'mam: stopped following; the job goes on.\n' });
    expect(ended.stdout).toMatch(/now +yours/);
  });
});

test('mam logs has colours on a terminal, unless NO_COLOR is set', async () => {
  plant(lab, 'roof');
  const shown = async (env: Record<string, string>): Promise<string> => {
    const command = `'${process.execPath}' '${PROGRAM}' logs roof`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: lab.project,
      env: { ...lab.env, TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await new Promise((done) => child.once('close', done));
    return text;
  };
  expect(await shown({})).toContain('\x1b[36mqueued');
  expect(await shown({ NO_COLOR: '1' })).not.toContain('\x1b[');
});
