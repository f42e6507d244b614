// An order's way into the real agents, compared to the same text pasted by hand: `npm run bench:agents`. Measured until
// the scripted model server has the request with the text, so the model's own time is not included.
import { builtIn } from '../src/agents/index.ts';
import type { AgentHome } from '../test/agents/homes/home.ts';
import { AgentLab } from '../test/agents/lab.ts';
import { worker } from '../test/agents/model/worker.ts';
import { HOMES } from '../test/agents/programs.ts';
import { until } from '../test/support/until.ts';

const RUNS = 7;
/** How long a careful script waits between paste and Enter; Gemini CLI loses the Enter below 150 ms. */
const HAND_PAUSE_MS = 150;

for (const home of HOMES) {
  const { delegated, byHand } = await measure(home);
  const ratio = (median(delegated) / median(byHand)).toFixed(2);
  console.log(
    `${home.kind}: delegate_job to the model p50 ${Math.round(median(delegated))} ms (${range(delegated)}); by hand ${Math.round(median(byHand))} ms (${range(byHand)}); ratio ${ratio}`,
  );
}

async function measure(home: AgentHome): Promise<{ delegated: number[]; byHand: number[] }> {
  const lab = new AgentLab(home);
  const heard = new Map<string, number>();
  const { model } = worker((jobId) => [
    { call: 'publish_event', args: { job_id: jobId, event: 'completed' } },
  ]);
  await lab.prepare((request) => {
    const words = request.prompts.at(-1) ?? '';
    for (const mark of words.match(/\bmark-\d+\b/g) ?? [])
      if (!heard.has(mark)) heard.set(mark, performance.now());
    return model(request);
  });
  const server = await lab.startServer();
  await lab.startAgent(server);
  const [delegated, byHand]: number[][] = [[], []];
  // A session's first prompt takes longer than the others, so neither includes it.
  for (let run = -1; run < RUNS; run++) {
    const mark = `mark-${2 * run + 2}`;
    const begun = performance.now();
    const { job_id: jobId } = await lab.job(server, { prompt: `Mend the roof, ${mark}` });
    await until(mark, () => heard.has(mark), 30_000);
    if (run >= 0) delegated?.push((heard.get(mark) ?? 0) - begun);
    await server.ask('wait_job', { job_id: jobId });
    await idle(lab);
    const hand = `mark-${2 * run + 3}`;
    const text = lab.orderOf(jobId).replaceAll(mark, hand).replaceAll(jobId, 'no-job');
    const from = performance.now();
    await lab.tmux('set-buffer', '-b', 'hand', '--', text);
    await lab.tmux('paste-buffer', '-p', '-d', '-b', 'hand', '-t', `=${lab.session}:`);
    await new Promise((resolve) => setTimeout(resolve, HAND_PAUSE_MS));
    await lab.type('Enter');
    await until(hand, () => heard.has(hand), 30_000);
    if (run >= 0) byHand?.push((heard.get(hand) ?? 0) - from);
    await idle(lab);
  }
  await server.ask('stop_agent', { name: lab.session });
  await lab.end();
  return { delegated: delegated ?? [], byHand: byHand ?? [] };
}

/** Waits until the agent's turn is over. */
async function idle(lab: AgentLab): Promise<void> {
  const { screen } = builtIn(lab.agent.kind) ?? {};
  await until(
    'the agent is idle',
    async () => {
      const lines = (await lab.agentScreen()).replace(/ +$/gm, '');
      return screen?.ready?.test(lines) === true && screen.busy?.test(lines) !== true;
    },
    30_000,
  );
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function range(values: number[]): string {
  return `${Math.round(Math.min(...values))} to ${Math.round(Math.max(...values))}`;
}
