// `delegate_job` → Enter read by a program that accepts input immediately; with 1 and with 200 sessions. The floor is
// the same text typed through a bare control client, after the round trip of an empty server's call.
import type { Writable } from 'node:stream';
import { composeOrder } from '../src/job/order.ts';
import { quote } from '../src/tmux/quote.ts';
import { inTurn, main, now, type Row, spread, sum, timed, times, within } from './support/bench.ts';
import { type BenchLab, floorPath, inLab } from './support/lab.ts';
import { Panes } from './support/panes.ts';
import { childTrace, descendants } from './support/processes.ts';

const PROMPT =
  'Look through the tests of the parser, find the one that fails now and then, and say in two lines why it does.';
const GOAL = { p50: 2.5, p99: 10 };
const WARM = 5;

await main(({ rounds }) =>
  inLab(async (lab): Promise<Row[]> => {
    const panes = new Panes(lab);
    await panes.start('mam');
    await panes.start('floor');
    const supervisor = await lab.server();
    const peer = await lab.server();
    const empty = await lab.server([floorPath('empty-server.mjs')]);
    const client = bareClient(lab);
    const answered: number[] = [];

    const delegate = async (): Promise<number> => {
      const started = now();
      const enter = panes.enter('mam');
      const job = await supervisor.ask('delegate_job', {
        prompt: PROMPT,
        agent: 'command',
        agent_session: 'tmux:mam',
      });
      answered.push(now() - started);
      const at = await enter;
      if (job.status !== 'working')
        throw new Error(`delegate_job: ${job.status}, ${JSON.stringify(job.delivery)}`);
      await peer.ask('publish_event', { job_id: job.job_id, event: 'completed', detail: 'done' });
      return at - started;
    };
    const typed = composeOrder(
      { job_id: 'look-through-the-tests-of-the-parser-abcdefgh' },
      { prompt: undefined, taskFile: '/t/prompt.md' },
    );
    const bare = async (): Promise<number> => {
      const enter = panes.enter('floor');
      const started = now();
      client.write(
        `set-buffer -b bench -- ${quote(typed)}\npaste-buffer -p -r -d -b bench -t =floor:\nsend-keys -t =floor: Enter\n`,
      );
      return (await enter) - started;
    };
    const call = (): Promise<number> =>
      timed(() => empty.request('tools/call', { name: 'empty', arguments: { prompt: PROMPT } }));

    const measure = async (sessions: number): Promise<Row[]> => {
      for (let round = 0; round < WARM; round++) await delegate();
      answered.length = 0;
      // The bare client is a child of the bench, not of these processes.
      const watched = [lab.hub().pid, lab.tmuxPid, supervisor.pid, peer.pid];
      const before = childTrace(watched);
      const processes = descendants(lab.hub().pid).length;
      const { mam, paste, empties } = await inTurn(rounds(150, 25), {
        mam: delegate,
        paste: bare,
        empties: call,
      });
      const started = childTrace(watched) === before ? 0 : Number.NaN;
      const value = spread(mam);
      const floor = sum(spread(paste), spread(empties));
      const at = `${sessions} session${sessions === 1 ? '' : 's'}`;
      const goal = within(value, GOAL, started === 0, '; no process');
      return [
        {
          ...times(`delegate_job → Enter read, ${at}`, value, floor, goal),
          note: `floor: bare paste p50 ${spread(paste).p50.toFixed(2)} + empty call ${spread(empties).p50.toFixed(2)}; processes started: ${started === 0 ? 'none' : 'SOME'}, ${processes} stand`,
        },
        times(`delegate_job → answered, ${at}`, spread(answered), floor),
      ];
    };
    const rows = await measure(1);
    const others = Array.from({ length: 198 }, (_, index) => `s${index}`);
    await lab.startSessions(others, 'exec sleep 1000000');
    return [...rows, ...(await measure(200))];
  }),
);

/** A control client with its own session and nothing else. */
function bareClient(lab: BenchLab): Writable {
  lab.sessions.add('bare');
  const child = lab.spawn('tmux', [
    ...['-S', lab.socket, '-C', 'new-session', '-A', '-s', 'bare', '-f', 'no-output,ignore-size'],
    'exec sleep 1000000',
  ]);
  child.stdout?.resume();
  if (child.stdin === null) throw new Error('no stdin');
  return child.stdin;
}
