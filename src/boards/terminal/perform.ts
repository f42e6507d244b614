import { explain } from '../../base/errors.ts';
import type { Claim } from '../../job/claim.ts';
import type { Link } from '../../link/link.ts';
import type { StartParams, StartResult } from '../../operations/agents.ts';
import type { HandOver } from '../../operations/delegate-to.ts';
import { doneText } from '../../operations/publish.ts';
import { ELSEWHERE_MS } from '../../operations/request.ts';
import { commandWords } from '../../view/command-words.ts';
import { obstacleText } from '../../view/summary.ts';
import type { Action, Effect } from './state.ts';

/** An agent may take 45 s to become ready; a new job may have to wait for that. In ms. */
const START_TIMEOUT_MS = 60_000;

/** Everything that the board asks of the hub is composed as the commands do it. */
export interface Requests {
  /** @throws MamError `bad_input` for an agent or a session that cannot be, `not_found` for an unknown host */
  delegate: (job: Omit<Effect & { do: 'delegate' }, 'do'>) => Promise<HandOver>;
  start: (agent: string) => StartParams;
  /** A person's report that a job of theirs is done. */
  done: (jobId: string, outcome: string) => Claim;
}

interface Parts {
  link: Link;
  registryDir: string;
  requests: Requests;
  take: (action: Action) => void;
}

/** An effect that the hub carries out. */
export type HubEffect = Exclude<Effect, { do: 'quit' | 'attach' }>;

/** Asks the hub for what a key asks for, as a person, and tells what became of it. */
export async function perform(effect: HubEffect, parts: Parts): Promise<void> {
  const { take } = parts;
  try {
    if (effect.do === 'delegate') take(await delegate(effect, parts));
    else take({ type: 'told', note: { bad: false, ...(await ask(effect, parts)) } });
  } catch (error) {
    const text = commandWords(explain(error));
    take(effect.do === 'delegate' ? { type: 'refused', text } : { type: 'told', note: { text, bad: true } });
  }
}

async function delegate(
  { do: _, ...job }: HubEffect & { do: 'delegate' },
  { link, requests }: Parts,
): Promise<Action> {
  const request = await requests.delegate(job);
  const { record, warnings } =
    'there' in request
      ? await link.request('delegate_to', request.there, ELSEWHERE_MS)
      : await link.request('delegate', request.here, START_TIMEOUT_MS);
  const obstacle = obstacleText(record);
  const texts = [...(obstacle === undefined ? [] : [`It waits: ${obstacle}`]), ...warnings];
  const text = commandWords([`Delegated ${record.job_id}.`, ...texts].join(' '));
  return { type: 'delegated', jobId: record.job_id, text, bad: texts.length > 0 };
}

type Told = { text: string; bad?: boolean };

async function ask(
  effect: Exclude<HubEffect, { do: 'delegate' }>,
  { link, registryDir, requests }: Parts,
): Promise<Told> {
  if (effect.do === 'start') {
    const started = await link.request('start', requests.start(effect.agent), START_TIMEOUT_MS);
    return startedText(effect.agent, started);
  }
  if (effect.do === 'done') {
    const { jobId, text } = effect;
    return { text: commandWords(doneText(jobId, await link.claim(requests.done(jobId, text)))) };
  }
  const job = { job_id: effect.jobId, registry_dir: registryDir, by: 'person' as const };
  if (effect.do === 'cancel') {
    const { record, note } = await link.request('cancel', job);
    return { text: commandWords(`${effect.jobId} is ${record?.status ?? 'let go'}. ${note}`) };
  }
  const answer = effect.do === 'answer' ? { text: effect.text } : { decision: effect.decision };
  const { delivered } = await link.request('answer', { ...job, ...answer, request_id: effect.requestId });
  return { text: commandWords(delivered) };
}

function startedText(agent: string, started: StartResult): Told {
  const { session, ready, waits_for: waits, out_of_reach: lost } = started;
  const place = `tmux:${session.session}`;
  if (ready && lost === undefined) return { text: `${agent} is ready in ${place}; n gives it a job.` };
  const why = lost ?? waits ?? 'it shows no input box';
  return {
    text: commandWords(`${agent} runs in ${place}${ready ? '' : ' and is not ready'}: ${why}`),
    bad: true,
  };
}
