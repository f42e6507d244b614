import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { dataOf } from '../../src/job/event.ts';
import type { JobOrder } from '../../src/job/record.ts';
import { homePaths } from '../../src/registry/home.ts';
import { presentMark } from '../../src/registry/mark.ts';
import { Seal } from '../../src/registry/seal.ts';
import { Board } from '../support/board.ts';
import type { Lab } from '../support/lab.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharing, test } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

/** Tests that have one board one after the other: each looks at its own jobs, which are all that is open meanwhile. */
const onBoard = sharing.extend<{ server: LabServer; sharedBoard: Board; board: Board }>({
  server: [async ({ lab }, use) => use(await lab.startServer()), { scope: 'file' }],
  sharedBoard: [
    async ({ lab }, use) => {
      const board = await Board.start(lab);
      await use(board);
      await board.leave();
    },
    { scope: 'file' },
  ],
  board: async ({ lab, server, sharedBoard: board, task }, use) => {
    await use(board);
    // Whatever a test that fell had open.
    if (task.result?.state === 'fail') await board.press('Escape', 'Escape');
    for (const id of lab.jobIds())
      if (lab.record(id).final_at === undefined) await server.ask('cancel_job', { job_id: id });
    await board.resize(120, 40);
  },
});

/** Goes to the newest job, once it is listed. */
async function select(board: Board, id: string): Promise<void> {
  await until(`${id} is selected`, async () => {
    await board.press('Home');
    return (await board.screen()).includes(`── ${id}`);
  });
}

describe('what the board shows', () => {
  // The first one: it sees the board without a job.
  onBoard("jobs and what becomes of them: list, timeline, peer's screen", async ({ lab, server, board }) => {
    await board.shows('no job yet');
    const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
    const { job_id: id } = await server.delegate(peer);
    await board.shows(/▸ ● working +\S*mend\S+ +command +\d+s +Mend the roof/);
    // What the peer's pane shows stands right of the timeline.
    await board.shows('TOOK IT');
    await board.shows('screen, live');
    await reporter.report(id, 'started');
    await reporter.report(id, 'progress', { detail: 'half of the slates' });
    const screen = await board.shows(/peer +progress half of the slates/);
    expect(screen).toContain('1 open · 1 job');
    expect(screen).toContain(`${id} · working · command in ${peer.address} ${peer.pane}`);
    await board.shows(/command +\d+s +half of the slates/);
    // No event tells of this; the screen is looked at all the same.
    await lab.tmux('send-keys', '-l', '-t', peer.pane, 'something moves');
    await board.shows('something moves');
    await reporter.report(id, 'completed', { detail: 'the roof is tight' });
    await board.shows(/▸ ✓ completed .* the roof is tight/);
    await board.shows('0 open · 1 job');
    await board.shows('final screen');
  });

  onBoard('texts of others: no sequence is obeyed, columns stay aligned', async ({ lab, server, board }) => {
    const reporter = await lab.reporter;
    await board.resize(100, 24);
    const one = await human(server, 'first job');
    const two = await human(server, 'second job');
    await board.shows('2 open');
    await select(board, two);
    await reporter.report(one, 'progress', {
      detail: '\u001b[2J\u001b[31mrot\u001b]0;title\u0007 👩‍💻 fertig',
    });
    await reporter.report(two, 'progress', { detail: '한국어로 쓴 진행 상황입니다 '.repeat(10) });
    await board.shows('rot 👩💻 fertig');
    const screen = await board.shows('한국어로');
    expect(screen).toContain('mam watch');
    const rows = screen.split('\n').filter((line) => /● yours/.test(line));
    expect(rows).toHaveLength(2);
    expect(new Set(rows.map((row) => row.indexOf(' human ')))).toHaveProperty('size', 1);
    expect(screen).toMatch(/한국어로.*…/);
    expect(await lab.tmux('display-message', '-p', '-t', '=board:', '#{pane_title}')).not.toContain('title');
  });

  onBoard('follows the size of the terminal, down to a small one', async ({ server, board }) => {
    await select(board, await human(server, 'Bring the key'));
    await board.shows('· a person ·');
    for (const [columns, rows] of [
      [80, 24],
      [40, 12],
      [20, 5],
      [200, 50],
      [81, 25],
    ] as const) {
      await board.resize(columns, rows);
      const screen = await until(`${columns} x ${rows} is filled`, async () => {
        const lines = (await board.screen()).split('\n');
        const whole =
          lines.length === rows &&
          / open · /.test(lines[0] ?? '') &&
          /help|move|done/.test(lines.at(-1) ?? '');
        return whole && lines;
      });
      expect(screen.filter((line) => / open · /.test(line))).toHaveLength(1);
      expect(screen.filter((line) => line.includes('▸'))).toHaveLength(1);
    }
  });

  onBoard('without colours if unwanted; SIGTERM gives the terminal back', async ({ lab, server, board }) => {
    const before = boards(lab);
    await human(server, 'Bring the key');
    const colour = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[349][0-7]m`);
    const plain = await Board.start(lab, { environment: ['NO_COLOR=1'], session: 'plain' });
    await plain.shows('1 open');
    expect(await plain.screen(true)).not.toMatch(colour);
    await endBy('SIGTERM', lab, plain, 'plain', before);
    await board.shows('1 open');
    expect(await board.screen(true)).toMatch(colour);
  });
});

describe('what the keys do', () => {
  onBoard('r answers a question', async ({ lab, server, board }) => {
    const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
    const { job_id: id } = await server.delegate(peer);
    await select(board, id);
    await reporter.report(id, 'question', { detail: 'Slate or tin?' });
    await board.shows('1 needs you');
    await board.shows('r answer: Slate or tin?');
    await board.press('r');
    await board.shows('Slate or tin? answer:');
    await board.type('Tinn');
    await board.press('BSpace');
    await board.type('. 감사');
    await board.shows('answer: Tin. 감사');
    await board.press('Enter');
    expect(await lab.event(id, 'answered')).toMatchObject({ detail: 'Tin. 감사', source: 'person' });
    await board.shows('The answer goes to the peer');
    await board.shows('▸ ● working');
    await reporter.report(id, 'completed');
    await board.shows(/peer +completed/);
    await board.press('r');
    await board.shows('there is nothing to answer');
  });

  onBoard('an answer typed for one question is not given to the next', async ({ lab, server, board }) => {
    const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
    const { job_id: id } = await server.delegate(peer);
    await select(board, id);
    await reporter.report(id, 'question', { detail: 'Delete the cache?' });
    await board.shows('r answer: Delete the cache?');
    await board.press('r');
    await board.shows('Delete the cache? answer:');
    await board.type('yes');
    await board.shows('answer: yes');
    await server.ask('answer_job', { job_id: id, text: 'No.' });
    await reporter.report(id, 'question', { detail: 'Delete the database?' });
    await board.press('Enter');
    await board.shows('settled meanwhile');
    const answers = lab.events(id).filter(({ type }) => type === 'answered');
    expect(answers.map(({ detail }) => detail)).toEqual(['No.']);
    await reporter.report(id, 'completed');
  });

  onBoard('y and n decide the request that is shown, after Enter', async ({ lab, server, board }) => {
    const reporter = await lab.reporter;
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await board.resize(80, 24);
    await board.shows('1 open');
    await board.press('y');
    await board.shows('not asking for permission');
    const long = Array.from({ length: 40 }, (_, index) => `rm roof-${index}`).join('\n');
    await reporter.report(id, 'permission_required', { detail: long });
    await board.shows('y allow, n deny: rm roof-0');
    // Held down, it would confirm itself: two at once do nothing.
    await board.type('yy?');
    await board.shows('allow or deny its permission request');
    await board.press('Escape');
    await board.shows('y allow, n deny: rm roof-0');
    await board.press('y');
    await board.shows(`Allow this, once? ${id}`);
    await board.shows('more lines: PgDn');
    await board.press('Enter');
    await board.shows('There is more to read');
    await board.press('NPage');
    await board.press('NPage');
    await board.press('NPage');
    await board.shows('rm roof-39');
    await board.press('Escape');
    await board.shows('y allow, n deny');
    expect(lab.types(id)).not.toContain('answered');
    await board.press('y');
    await board.shows('Allow this');
    await board.press('End');
    await board.shows('Enter allows it');
    await board.press('Enter');
    const request = lab.record(id).requests[0]?.request_id;
    expect(await lab.event(id, 'answered')).toMatchObject({
      data: { decision: 'allow', request_id: request },
    });
    await reporter.report(id, 'permission_required', { detail: 'rm the cellar' });
    await board.shows('y allow, n deny: rm the cellar');
    await board.press('n');
    await board.shows('Deny this?');
    await board.shows('rm the cellar');
    await board.press('Enter');
    await until('it is denied', () =>
      lab.events(id).some((event) => event.type === 'answered' && dataOf(event).decision === 'deny'),
    );
  });

  onBoard('a request that is settled meanwhile is not decided', async ({ lab, server, board }) => {
    const reporter = await lab.reporter;
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await reporter.report(id, 'permission_required', { detail: 'rm the roof' });
    await board.shows('n deny: rm the roof');
    await board.press('y');
    await board.shows('Allow this');
    await server.ask('answer_job', { job_id: id, decision: 'deny' });
    await board.shows('resolved meanwhile');
    // The Enter that was meant for the question takes only the note away.
    await board.press('Enter');
    await board.lacks('resolved meanwhile');
    expect(await board.screen()).not.toContain('no pane to attach');
    await board.press('Enter');
    await board.shows('no pane to attach');
    expect(lab.types(id).filter((type) => type === 'answered')).toHaveLength(1);
  });

  onBoard('c cancels after Enter, and Esc does not', async ({ lab, server, board }) => {
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await board.shows('1 open');
    await board.press('c');
    await board.shows('Cancel this job?');
    await board.press('Escape');
    await board.lacks('Cancel this job?');
    expect(lab.record(id).status).not.toBe('cancelled');
    await board.press('c');
    await board.shows('Enter cancels it');
    await board.press('Enter');
    await board.shows(`${id} · cancelled`);
    expect(lab.record(id).status).toBe('cancelled');
    await board.press('c');
    await board.shows('is cancelled already');
  });

  onBoard('filter, open jobs only, help, the next job that needs someone', async ({ lab, server, board }) => {
    const reporter = await lab.reporter;
    const ids: string[] = [];
    for (const prompt of ['Mend the ROOFTOP', 'Bring the key', 'Paint the door'])
      ids.push(await human(server, prompt));
    const [roof = '', key = '', door = ''] = ids;
    await reporter.report(key, 'completed', { detail: 'on the board' });
    await select(board, door);
    await board.shows('2 open · ');
    await board.shows('on the board');
    await board.press('/');
    await board.type('rooftop');
    await board.shows('filter: rooftop');
    await board.lacks(door);
    await board.shows(`── ${roof}`);
    await board.press('Escape');
    await board.shows('Paint the door');
    await board.press('o');
    await board.shows('open only');
    await board.lacks('on the board');
    await board.press('o');
    await board.shows('on the board');
    await board.press('Home');
    await board.shows(`── ${door}`);
    // What has ended is below what is at work.
    await board.press('j', 'j');
    await board.shows(`── ${key}`);
    await board.press('Up');
    await board.shows(`── ${roof}`);
    await reporter.report(door, 'question', { detail: 'Which red?' });
    await board.shows('1 needs you');
    await board.press('Tab');
    await board.shows(`── ${door}`);
    await board.press('?');
    await board.shows('allow or deny its permission request');
    await board.press('Escape');
    await board.shows(`── ${door}`);
  });

  onBoard('Enter switches inside the same tmux, and says if that fails', async ({ lab, server, board }) => {
    const peer = await lab.startPeer('mute');
    await select(board, (await server.delegate(peer)).job_id);
    await board.shows('screen, live');
    // Nobody is attached here: there is no client to switch.
    await board.press('Enter');
    await board.shows(`tmux could not show session ${peer.session}`);
  });
});

describe('ten thousand jobs', () => {
  const COUNT = 10_000;

  test('are shown at once, read on the way down; q leaves the shell as it was, cleanly', async ({ lab }) => {
    plant(lab, COUNT);
    const board = await Board.start(lab, { size: [100, 30] });
    const screen = await board.shows('0 open · 10000 jobs');
    expect(screen).toContain('the words of 9999');
    await board.press('NPage');
    await board.shows(/▸ ✓ completed +job-09988/);
    await board.press('End');
    await board.shows(/▸ .*the words of 0 *$/m);
    await board.press('/');
    await board.type('of 4242');
    await board.shows(/▸ .*the words of 4242 *$/m);
    await board.press('Escape');
    // A key that comes right behind an Escape makes another key of it.
    await board.lacks('filter:');
    await board.press('Home');
    await board.shows(/▸ .*the words of 9999 *$/m);

    const shell = await board.leave();
    expect(shell).toMatch(/^before\n/);
    expect(shell).not.toContain('mam watch ');
    await isGivenBack(lab, 'board');
    await board.type('clear; stty -a | grep -o " echo "; ');
    await board.press('Enter');
    await board.shows(/^ echo/m);
    expect(boards(lab)).toEqual([]);
  });
});

describe('when something ends', () => {
  test('a pruned job goes, a killed hub is looked for, SIGHUP gives the terminal back', async ({ lab }) => {
    const server = await lab.startServer();
    const jobs: string[] = [];
    for (const prompt of ['Bring the key', 'Hang it up', 'Lock the door'])
      jobs.push(await human(server, prompt));
    const [oldest = '', second = '', newest = ''] = jobs;
    const board = await Board.start(lab);
    await board.shows('3 jobs');
    await board.shows(`${newest} · yours`);
    await (await lab.reporter).report(oldest, 'completed');
    await board.shows('2 open · 3 jobs');
    expect((await lab.mam('prune', '--older-than', '0h')).code).toBe(0);
    await board.press('Down', 'Down');
    await board.shows('2 open · 2 jobs');
    await board.lacks(/✓ completed/);
    await board.lacks('bring-the-key');

    const first = await lab.hubPid();
    await lab.killHub();
    await board.shows('The hub is back');
    expect(await lab.hubPid()).not.toBe(first);
    // It goes on with the next one.
    await (await lab.reporter).report(second, 'completed', { detail: 'on the board' });
    await board.shows(/✓ completed .* on the board/);
    await endBy('SIGHUP', lab, board, 'board', []);
  });

  onBoard('a board that is started later knows the last words as well', async ({ lab, server, board }) => {
    const before = boards(lab);
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await (await lab.reporter).report(id, 'progress', { detail: 'on the stairs' });
    await board.shows(/human +\d+s on the stairs/);
    await human(server, 'Another one');
    const later = await Board.start(lab, { session: 'later' });
    await later.shows('2 open');
    await later.shows(/human +\d+s on the stairs/);
    expect(boards(lab)).toHaveLength(before.length + 1);
    await later.press('C-c');
    await until('it ends', () => boards(lab).length === before.length);
  });

  test('without a terminal it says what to use instead', async ({ lab }) => {
    const { code, stderr, stdout } = await lab.mam('watch');
    expect(code).toBe(69);
    expect(stdout).toBe('');
    expect(stderr).toContain('`mam list`');
    expect(stderr).toContain('`mam wait`');
    expect(lab.isUntouched).toBe(true);
  });
});

/** Ends the board of a session by a signal. @param others the boards that stay */
async function endBy(
  signal: 'SIGTERM' | 'SIGHUP',
  lab: Lab,
  board: Board,
  session: string,
  others: number[],
): Promise<void> {
  process.kill(await until('it runs', () => boards(lab).find((one) => !others.includes(one))), signal);
  await board.shows(`it ended: ${signal === 'SIGTERM' ? 143 : 129}`);
  await isGivenBack(lab, session);
  expect(boards(lab)).toEqual(others);
}

/** A shell has its screen and its cursor again. */
async function isGivenBack(lab: Lab, session: string): Promise<void> {
  const screen = ['-p', '-t', `=${session}:`, '#{alternate_on} #{cursor_flag}'];
  expect(await lab.tmux('display-message', ...screen)).toBe('0 1');
}

function boards(lab: Lab): number[] {
  return lab.processes
    .filter(({ command }) => /main\.js watch/.test(command) && !command.startsWith('bash'))
    .map(({ pid }) => pid);
}

/** Hands a job to a person. */
async function human(server: LabServer, prompt: string): Promise<string> {
  return (await server.ask('delegate_job', { prompt, agent: 'human' })).job_id;
}

/** Near the places that somebody goes to: of the others only the row in the index and the folder's name are ever read. */
const isLookedAt = (index: number, count: number): boolean =>
  index < 100 || index >= count - 100 || Math.abs(index - 4242) < 100;

/** Jobs that are done, as an earlier hub would have left them: their folders, or what has the name of one, and its index. */
function plant({ registry, home, project, expected }: Lab, count: number): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  mkdirSync(registry, { recursive: true });
  expected.push(/^p\/\.mam\/jobs\/job-\d+$/);
  const shared = join(project, 'shared');
  mkdirSync(shared);
  writeFileSync(join(shared, 'events.jsonl'), '');
  const seal = Seal.of(homePaths(home));
  const hash = createHash('sha256').digest('hex');
  const lines = Array.from({ length: count }, (_, index) => {
    const id = `job-${String(index).padStart(5, '0')}`;
    const at = new Date(Date.now() - (count - index) * 1000).toISOString();
    const folder = join(registry, id);
    const texts = { prompt_preview: `job ${index}`, detail: `the words of ${index}` };
    const job: JobOrder = {
      ...{ job_id: id, agent: 'human', host: 'planted', registry_dir: registry, log_dir: folder },
      ...{ workdir: project, prompt_sha256: hash, prompt_preview: texts.prompt_preview, prompt_bytes: 0 },
      ...{ supervisor: { client: 'test', session: 'planted' }, depth: 0, peer_server: 'unknown' },
      timeouts: { timeout_seconds: 3600, idle_timeout_seconds: 3600 },
    };
    const event = (seq: number, more: object) =>
      seal.sign(
        id,
        JSON.stringify({ seq, event_id: `${id}-${seq}`, job_id: id, at, recorded_at: at, ...more }),
      );
    if (isLookedAt(index, count)) {
      mkdirSync(folder);
      const queued = event(1, { type: 'queued', source: 'hub', data: { job } });
      const done = event(2, { type: 'completed', source: 'person', detail: texts.detail });
      writeFileSync(join(folder, 'events.jsonl'), `\n${queued}\n\n${done}\n`);
      // Ten thousand folders take seconds to make and to remove, links a fiftieth of that.
    } else symlinkSync(shared, folder);
    const journal = presentMark(join(folder, 'events.jsonl'));
    const row = { job_id: id, agent: 'human', status: 'completed', phase: 'submitted', owner: 'planted' };
    return seal.sign(
      `row ${id}`,
      JSON.stringify({ ...row, ...texts, created_at: at, final_at: at, journal }),
    );
  });
  writeFileSync(join(registry, '.index.jsonl'), `${lines.join('\n')}\n`);
}
