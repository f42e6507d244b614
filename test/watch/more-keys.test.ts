import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { Board } from '../support/board.ts';
import type { LabServer } from '../support/lab-server.ts';
import { sharingWith } from '../support/lab-test.ts';
import { until } from '../support/until.ts';

/** An agent that can be started, and one whose program is missing. */
const AGENTS = {
  helper: { session: 'helper', command: ['sh', '-c', "printf 'READY> '; exec sleep 1000"], ready: '^READY>' },
  // Its dialogs are recognised, but not read.
  asking: { session: 'asker', ready: '^› Ask Codex', dialog: '^ +Would you like' },
  absent: { session: 'absent', command: ['mam-has-no-such-program'] },
};

const onBoard = sharingWith({ agents: AGENTS }).extend<{ board: Board }>({
  board: async ({ lab, server, task }, use) => {
    const board = await Board.start(lab, { session: `board-${task.id}` });
    await use(board);
    // Ends it wherever it is.
    await board.press('C-c');
    await board.shows('it ended: 0');
    for (const id of lab.jobIds())
      if (lab.record(id).final_at === undefined) await server.ask('cancel_job', { job_id: id });
  },
});

/** Goes to a job, once it is listed: what is open is above what has ended, the newest first. */
async function select(board: Board, id: string): Promise<void> {
  await until(`${id} is selected`, async () => {
    await board.press('Home');
    return (await board.screen()).includes(`── ${id}`);
  });
}

async function human(server: LabServer, prompt: string): Promise<string> {
  return (await server.ask('delegate_job', { prompt, agent: 'human' })).job_id;
}

describe('the board at every size', () => {
  onBoard(
    'puts the job that asks first, with its prompt, its question and its keys',
    async ({ lab, server, board }) => {
      const [peer, reporter] = [await lab.startPeer('mute'), await lab.reporter];
      const { job_id: asks } = await server.delegate(peer, {
        prompt: 'Paint the shutters of the north side',
      });
      await reporter.report(asks, 'started');
      await human(server, 'Bring the key');
      await reporter.report(asks, 'question', { detail: 'Which green?' });
      await board.shows('2 open · 1 needs you');
      await select(board, asks);
      await board.shows('r answer: Which green?');
      for (const [columns, rows] of [
        [200, 60],
        [120, 40],
        [80, 24],
        [60, 20],
      ] as const) {
        await board.resize(columns, rows);
        const lines = await until(`${columns} x ${rows} is filled`, async () => {
          const screen = (await board.screen()).split('\n');
          const isWhole = screen.length === rows && / q quit/.test(screen.at(-1) ?? '');
          return isWhole && screen.some((line) => line.includes('TOOK IT')) && screen;
        });
        const all = lines.join('\n');
        expect(lines[0]).toMatch(/2 open · 1 needs you · \d+ jobs? +bell on/);
        expect(lines[1]).toMatch(/^▸ ◆ question/);
        expect(lines[2]).toMatch(/^ {2}● yours/);
        expect(all).toContain('prompt: Paint the shutters of the north side');
        expect(all).toMatch(/hub +delivered in [\d.]+ m?s/);
        expect(all).not.toMatch(/hub +(queued|pasting|visible|submitted)/);
        expect(all).toContain('r answer: Which green?');
        expect(all).toContain('TOOK IT');
        // Of the keys only those that would do something now.
        expect(lines.at(-1)).toMatch(/^ r answer {2}Enter attach {2}.*\? help {2}q quit *$/);
        expect(lines.at(-1)).not.toMatch(/allow|deny|done/);
        // The list and the job are next to each other where there is room, else below each other.
        const isBeside = /^▸.* ── /.test(lines[1] ?? '');
        expect(isBeside).toBe(columns === 200);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }
    },
  );
});

describe('what a person can do', () => {
  onBoard('a dialog that mam cannot answer is only attached to', async ({ lab, server, board }) => {
    const peer = await lab.startAsker('--kind', 'codex', '--silent', '--ask', 'make tower');
    const { job_id: id } = await server.delegate(peer, { agent: 'asking' });
    await lab.event(id, 'permission_required');
    await select(board, id);
    await board.resize(60, 20);
    await board.shows('Enter attach, and answer there: dialog: Would you like');
    const last = async () => (await board.screen()).split('\n').at(-1) ?? '';
    await until('attach is what is offered', async () => (await last()).startsWith(' Enter attach'));
    expect(await last()).not.toMatch(/allow|deny|instruct/);
    await board.press('y');
    // A note is wrapped, above the keys.
    const screen = await board.shows(
      /can only be answered in its pane: Enter\n attaches to it\.\n Enter attach/,
    );
    expect(screen).not.toContain('Allow this');
    expect(lab.types(id)).not.toContain('answered');
  });

  onBoard("a person's job is theirs", async ({ server, board }) => {
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await board.shows(`── ${id} · yours · a person`);
    await board.shows(/▸ ● yours/);
    await board.press('c');
    const asked = await board.shows('Whoever delegated it is notified.');
    // The keys are said once, where keys always are.
    expect(asked.split('\n').at(-1)).toMatch(/^ Enter cancels it, Esc goes back *$/);
    expect(asked).not.toContain('q quit');
    await board.press('Escape');
  });

  onBoard('a list that does not fit says so, and the first line keeps its parts apart', async ({ board }) => {
    await board.resize(60, 9);
    await board.press('N');
    await board.shows(/↓ \d+ more/);
    await board.press('Down', 'Down', 'Down');
    await board.shows(/↑ \d+ more/);
    await board.press('Escape');
    await board.lacks('New job in');
    await board.press('/');
    await board.shows(/^ filter: *$/m);
    await board.type('a filter that leaves nothing over for others');
    // The bell gives way to the words about the jobs.
    await board.shows(/^ \S.*jobs? · filter: a filter[^\n]*(?<!bell on) *\n/);
    await board.press('Escape');
    await board.shows(/ {2}bell on *$/m);
  });
});

describe('what a job is about', () => {
  onBoard('p shows the whole prompt, l the log as it grows', async ({ lab, server, board }) => {
    const reporter = await lab.reporter;
    const prompt = Array.from({ length: 90 }, (_, line) => `Line ${line} of what is to be done`).join('\n');
    const id = await human(server, prompt);
    await select(board, id);
    await board.press('p');
    await board.shows(`Prompt of ${id}`);
    await board.shows('Line 0 of what');
    await board.press('End');
    await board.shows('Line 89 of what');
    await board.press('Home');
    await board.shows(/1–\d+ of 90/);
    await board.press('q');
    await board.shows(`── ${id}`);
    await board.press('l');
    await board.shows(`Log of ${id}`);
    for (let step = 0; step < 60; step++)
      await reporter.report(id, 'progress', { detail: `step ${step}\nand what it was` });
    await board.shows(/step 59\n +and what it was/);
    await board.press('Home');
    const top = await board.shows('step 0');
    expect(top).toContain('delivered in');
    // Someone who reads the beginning is left there.
    await reporter.report(id, 'progress', { detail: 'the last one' });
    await board.shows(/1–\d+ of 122/);
    await board.shows('step 0');
    await board.press('End');
    await board.shows('the last one');
    await board.press('q');
    await board.shows(`── ${id}`);
  });

  onBoard('D shows what changed, and says where that is not known', async ({ lab, server, board }) => {
    const id = await human(server, 'Change it');
    await select(board, id);
    await board.press('D');
    await board.shows('works in no git folder');
    await board.press('q');
    await board.shows(`── ${id}`);
    lab.expected.push(/^p\/\.git(\/|$)/, /^p\/roof\.txt$/);
    const git = (...words: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...words], { cwd: lab.project });
    git('init', '-q');
    writeFileSync(join(lab.project, 'roof.txt'), 'slate\n');
    git('add', 'roof.txt');
    git('commit', '-qm', 'The roof');
    const next = await human(server, 'Change it now');
    await lab.event(next, 'changes');
    await select(board, next);
    await board.press('D');
    await board.shows('Nothing has changed.');
    await board.press('q');
    await board.shows(`── ${next}`);
    writeFileSync(join(lab.project, 'roof.txt'), `tin\u001b[2J\n${'x\n'.repeat(30_000)}`);
    await board.press('D');
    await board.shows('roof.txt | 3000');
    await board.shows(/-slate\n \+tin/);
    await board.press('End');
    await board.shows('… The rest is not shown.');
    await board.press('q');
    await lab.mam('done', next, 'Changed.');
    await board.shows('changed: 1 file not committed (roof.txt');
  });
});

describe('what can be begun from the board', () => {
  onBoard('d reports the job of a person done, in their words', async ({ lab, server, board }) => {
    const id = await human(server, 'Bring the key');
    await select(board, id);
    await board.shows('d done');
    await board.press('d');
    await board.shows('done, with the outcome:');
    await board.press('Enter');
    await board.shows('Nothing was reported');
    expect(lab.record(id).final_at).toBeUndefined();
    await board.press('d');
    await board.shows('done, with the outcome:');
    await board.type('It is on the board.');
    await board.shows('outcome: It is on the board.');
    await board.press('Enter');
    expect(await lab.event(id, 'completed')).toMatchObject({
      detail: 'It is on the board.',
      source: 'person',
    });
    await board.shows(`${id} · completed`);
    await board.press('d');
    await board.shows('is completed already');
    const peer = await lab.startPeer('mute');
    const { job_id: other } = await server.delegate(peer);
    await select(board, other);
    await board.press('d');
    await board.shows('Only command itself can report this job done');
  });

  onBoard('n delegates a new job, and shows why the hub refuses one', async ({ lab, board }) => {
    await board.shows('bell on');
    await board.press('n');
    await board.shows(`New job in ${lab.project}`);
    await board.shows('a person');
    await board.press('Enter');
    await board.shows('Type the task first.');
    await board.type('Hang the picture');
    // The last choice needs a session.
    for (let step = 0; step < 9; step++) await board.press('Down');
    await board.shows('▸ another program');
    await board.press('Enter');
    await board.shows('Name its tmux session');
    await board.type('nowhere');
    await board.shows('tmux:nowhere');
    await board.press('Enter');
    await board.shows(/nowhere(?:.|\n)*(no|not) /);
    await board.shows('Hang the picture');
    await board.shows(`New job in ${lab.project}`);
    const before = lab.jobIds().length;
    await board.press('Up');
    await board.shows('▸ a person');
    await board.press('Enter');
    const id = await until('it is delegated', () => lab.jobIds().length > before && lab.jobIds().at(-1));
    await board.shows(/── \S*hang-the-picture/);
    expect(id).toBeDefined();
    const made = lab
      .jobIds()
      .map((one) => lab.record(one))
      .find(({ prompt_preview: text }) => text === 'Hang the picture');
    expect(made).toMatchObject({ agent: 'human', workdir: lab.project, supervisor: { client: 'cli' } });
    await board.shows('Delegated ');
  });

  onBoard('s starts an agent that is installed', async ({ lab, board }) => {
    await board.shows('bell on');
    await board.press('s');
    const menu = await board.shows('helper');
    expect(menu).toContain(`Start an agent in ${lab.project}`);
    expect(menu).toMatch(/^ Not installed: .*absent\.$/m);
    await until('it is chosen', async () => {
      if (/▸ helper/.test(await board.screen())) return true;
      await board.press('Down');
      return false;
    });
    await board.press('Enter');
    await board.shows('helper is ready in tmux:helper');
    // Then it can be chosen for a job.
    await board.press('n');
    await board.shows(/helper in tmux:helper %\d+ · idle/);
    await board.press('Escape');
    expect((await lab.mam('stop', 'tmux:helper')).code).toBe(0);
  });
});

describe('the bell', () => {
  onBoard(
    'rings once when a job begins to need someone, and not while it is off',
    async ({ lab, server, board, task }) => {
      const reporter = await lab.reporter;
      const [early, late] = [await human(server, 'Bring the key'), await human(server, 'Hang it up')];
      await reporter.report(early, 'question', { detail: 'Which one?' });
      await board.shows('1 needs you');
      const heard = join(lab.folder, 'heard');
      lab.expected.push(/^heard$/);
      const later = await Board.start(lab, { session: `later-${task.id}` });
      await later.shows('1 needs you');
      await lab.tmux('pipe-pane', '-t', `=later-${task.id}:`, `cat > '${heard}'`);
      const rings = (): number =>
        existsSync(heard) ? readFileSync(heard, 'latin1').split('\x07').length - 1 : 0;
      await reporter.report(late, 'question', { detail: 'How high?' });
      await later.shows('2 need you');
      await until('it has rung', () => rings() === 1);
      await later.press('b');
      await later.shows('bell off');
      await server.ask('answer_job', { job_id: late, text: 'Two metres.' });
      await later.shows('1 needs you');
      await reporter.report(late, 'question', { detail: 'From the floor?' });
      await later.shows('2 need you');
      await later.press('b');
      await later.shows('bell on');
      await server.ask('answer_job', { job_id: late, text: 'Yes.' });
      await later.shows('1 needs you');
      await reporter.report(late, 'question', { detail: 'And how far from the door?' });
      await later.shows('2 need you');
      await until('it has rung again', () => rings() === 2);
      await later.leave();
    },
  );
});
