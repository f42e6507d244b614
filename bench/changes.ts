// What git costs a delegation: `delegate_job` → answered, for a folder outside of a repository and for one with 200,000
// files, one after the other and ten at once. The look itself is made in the background: when it is recorded is a row of
// its own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../test/support/until.ts';
import { inTurn, main, now, type Row, spread, times } from './support/bench.ts';
import { type BenchLab, inLab } from './support/lab.ts';
import { Panes } from './support/panes.ts';

const FILES = 200_000;
const FOLDERS = 400;
const AT_ONCE = 10;
const WARM = 3;
/** What the repository may cost a delegation at p50, in ms. */
const MOST_MORE_MS = 100;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const place = mkdtempSync(join(tmpdir(), 'mam-bench-git-'));
    try {
      const folders = { none: join(place, 'none'), git: join(place, 'git') };
      mkdirSync(folders.none);
      makeRepository(folders.git, lab.env);
      return await measure(lab, folders, rounds(40, 8));
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }),
);

async function measure(
  lab: BenchLab,
  folders: Record<'none' | 'git', string>,
  count: number,
): Promise<Row[]> {
  const panes = new Panes(lab);
  const names = Array.from({ length: AT_ONCE }, (_, index) => `p${index}`);
  for (const name of names) await panes.start(name);
  const supervisor = await lab.server();
  const peer = await lab.server();
  const looked: number[] = [];

  /** Delegates to each pane at once. @returns how long the slowest answer took, in ms */
  const delegate = async (workdir: string, sessions: readonly string[]): Promise<number> => {
    const started = now();
    const jobs = await Promise.all(
      sessions.map((name) =>
        supervisor.ask('delegate_job', {
          ...{ prompt: 'Look through the tests.', agent: 'command', agent_session: `tmux:${name}`, workdir },
        }),
      ),
    );
    const took = now() - started;
    // The next round must not be measured while git is still busy with this one.
    for (const { job_id } of jobs) {
      const isLooked = (part: 'start' | 'end') => async () => {
        const { changes } = await supervisor.ask('job_status', { job_id });
        return workdir === folders.none || changes?.[part]?.dirty_count !== undefined;
      };
      await until('a look at the start', isLooked('start'));
      if (sessions.length === 1 && workdir === folders.git) looked.push(now() - started);
      await peer.ask('publish_event', { job_id, event: 'completed', detail: 'done' });
      await until('a look at the end', isLooked('end'));
    }
    return took;
  };
  const rows: Row[] = [];
  for (const sessions of [names.slice(0, 1), names]) {
    const each = (workdir: string) => () => delegate(workdir, sessions);
    for (let round = 0; round < WARM; round++)
      for (const folder of Object.values(folders)) await each(folder)();
    looked.splice(0, looked.length, ...(sessions.length > 1 ? looked : []));
    const rounds = sessions.length > 1 ? Math.ceil(count / 4) : count;
    const { git, none } = await inTurn(rounds, { git: each(folders.git), none: each(folders.none) });
    const [value, floor] = [spread(git), spread(none)];
    const more = value.p50 - floor.p50;
    const goal = { goal: `p50 ≤ ${MOST_MORE_MS} ms more`, reached: more <= MOST_MORE_MS };
    const what =
      sessions.length > 1 ? `${AT_ONCE} delegations at once, all answered` : 'delegate_job → answered';
    rows.push({
      ...times(`${what}, 200,000 files in git`, value, floor, goal),
      note: `floor: the same outside of a repository; ${more.toFixed(1)} ms more at p50`,
    });
  }
  return [...rows, times('delegate_job → the look at the start is recorded', spread(looked))];
}

function makeRepository(folder: string, env: Record<string, string>): void {
  for (let index = 0; index < FOLDERS; index++) {
    const deep = join(folder, `d${index % 20}`, `e${index}`);
    mkdirSync(deep, { recursive: true });
    for (let file = 0; file < FILES / FOLDERS; file++)
      writeFileSync(join(deep, `f${file}.txt`), `${index} ${file}\n`);
  }
  const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org'];
  for (const words of [
    ['init', '-q'],
    ['add', '-A'],
    [...who, 'commit', '-q', '-m', 'All'],
  ])
    execFileSync('git', ['-C', folder, ...words], { env });
}
