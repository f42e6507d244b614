import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain, MamError } from '../../base/errors.ts';
import { cleanLine } from '../../base/text.ts';
import { expectedIn, isNote, jobIdOf, planOf } from '../greeting.ts';
import type { MamClient, Published } from '../mam-client.ts';
import type { PeerScreen } from './screen.ts';

/** How long each step of the work takes, in ms, so that a person can follow it. */
const STEP_MS = 600;
const SHOWN_CHARS = 400;

/** Does what an order asks for, and reports on it as a good peer does; never throws. */
export async function work(order: string, mam: MamClient, screen: PeerScreen): Promise<void> {
  const jobId = jobIdOf(order);
  if (jobId === undefined) {
    screen.say('I take orders that name a job, such as: Job ID was delegated to you …', 'dim');
    return;
  }
  screen.say(`${isNote(order) ? 'Message about' : 'Order for'} job ${jobId}`);
  try {
    const started = await report('started', undefined);
    // A note may only announce the messages, which the answer then holds.
    const said = [...(isNote(order) ? [order] : []), ...(started.messages ?? [])];
    for (const message of said) screen.say(`  for me: ${cleanLine(message, SHOWN_CHARS)}`);
    await doTask(
      started,
      said.map(expectedIn).find((line) => line !== undefined),
    );
  } catch (error) {
    screen.say(explain(error), 'bad');
    if (!(error instanceof JobOver)) await report('error', explain(error)).catch(() => {});
  }

  async function doTask({ task = '', workdir = process.cwd() }: Published, expected?: string): Promise<void> {
    screen.say(`  my task: ${cleanLine(task, SHOWN_CHARS)}`);
    const asked = planOf(task, jobId as string);
    const plan = asked && { ...asked, line: expected ?? asked.line };
    if (plan === undefined) {
      const what = 'This demo peer can only write one line into a file.';
      throw new MamError('refused', what, 'Ask for it like this: Write the file NAME with one line: "TEXT"');
    }
    const path = join(workdir, plan.file);
    await step(
      expected === undefined ? 'Understood: one file with one line' : 'Understood what was expected',
    );
    await step(`Writing ${plan.file}`);
    writeFileSync(path, `${plan.line}\n`);
    await step(`Wrote ${plan.file}, reading it again`);
    if (readFileSync(path, 'utf8') !== `${plan.line}\n`)
      throw new Error(`${plan.file} does not contain what was written`);
    await pause();
    await report('completed', `${plan.file} says: ${plan.line}`, { files: [path] });
    screen.say('Done; ready for the next order.', 'good');
  }

  async function step(detail: string): Promise<void> {
    await pause();
    await report('progress', detail);
  }

  async function report(event: string, detail: string | undefined, more: object = {}): Promise<Published> {
    const words = detail === undefined ? '' : `: ${cleanLine(detail, SHOWN_CHARS)}`;
    screen.say(`  publish_event ${event}${words}`, 'dim');
    const params = { job_id: jobId, event, detail: detail?.slice(0, 2_000), ...more };
    const answer = await mam.call<Published>('publish_event', params);
    if (!answer.accepted) throw new JobOver(answer.next);
    return answer;
  }
}

/** The job is already final: there is nothing to work on or to report. */
class JobOver extends Error {}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, STEP_MS));
}
