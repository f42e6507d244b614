import { MamError } from '../../base/errors.ts';
import { answer } from '../../operations/answer.ts';
import { type Command, defineCommand } from '../core/command.ts';
import type { Decision } from './asking.ts';
import { decide } from './decide.ts';
import { jobWord, theJob } from './job-argument.ts';

const ABOUT: Readonly<Record<Decision, string>> = {
  allow:
    'Allows what a job asks for, once: its permission request, or to accept work whose check could not run.',
  deny: 'Denies what a job asks for: its permission request, or to accept work whose check could not run.',
};

const options = { ...theJob, request_id: answer.fields.request_id };

/** The declaration of `mam allow` and `mam deny`. */
export function decisionCommand(decision: Decision): Command<typeof options> {
  return defineCommand({
    about: [
      `${ABOUT[decision]} Without an id: the only job here that asks for a decision.`,
      'The decision is for the request that is open when the command looks, and the output names it. If another one is ' +
        'open by the time it arrives, nothing is decided.',
    ],
    words: [{ ...jobWord, completes: 'deciding' }],
    options,
    json: { tool: 'answer_job' },
    exits: { done: 'decided; the output says how far it got' },
    examples: [`mam ${decision}`, `mam ${decision} k3f9x2ab-fix-login-test`, `mam ${decision} k3f9`],

    run({ options: { job_id, request_id }, words: [word], registryDir, json }) {
      if (job_id !== undefined && word !== undefined)
        throw new MamError('bad_input', 'The job is named twice.', 'Give its id once.');
      return decide({ decision, named: job_id ?? word, request_id, registryDir, json });
    },
  });
}
