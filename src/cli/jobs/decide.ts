import { shellWord } from '../../base/shell.ts';
import { openDecisions } from '../../job/open-request.ts';
import type { JobRecord } from '../../job/record.ts';
import { answerView } from '../../operations/answer.ts';
import { foldOwn } from '../../registry/history.ts';
import { homePaths } from '../../registry/home.ts';
import { openRecords } from '../../registry/open-records.ts';
import { commandWords } from '../../view/command-words.ts';
import { waitsInItsPane } from '../../view/job.ts';
import { nextStep } from '../../view/next-step.ts';
import { printAnswer } from '../core/output.ts';
import { commandSettings } from '../core/settings.ts';
import { aboutOf, type Decision, oneOf, onlyAsking, openDecision } from './asking.ts';
import { openElsewhere } from './elsewhere.ts';
import { findJob } from './job-log.ts';
import { withLink } from './with-hub.ts';

interface Deciding {
  decision: Decision;
  /** The id as it was given, if any. */
  named: string | undefined;
  /** The id of the request, if it was given. */
  request_id: string | undefined;
  registryDir: string | undefined;
  json: boolean;
}

/**
 * Allows or denies the request that is open when this looks, never one that comes later. Without an id, the job is the only
 * one that asks for a decision.
 * @returns the exit code @throws MamError as `findJob`, `onlyAsking`, `openDecision`; with the hub's own text
 */
export async function decide({ decision, named, request_id, registryDir, json }: Deciding): Promise<number> {
  const settings = await commandSettings(registryDir);
  const home = homePaths(settings.home);
  const record = named === undefined ? theOnly() : ofId(named);
  const request = request_id === undefined ? openDecision(record, decision) : undefined;
  const { job_id } = record;
  return withLink(settings, async (link) => {
    const answered = await link.request('answer', {
      job_id,
      registry_dir: settings.registryDir,
      decision,
      request_id: request_id ?? request?.request_id,
      by: 'person',
    });
    const delivered = commandWords(answered.delivered);
    const view = answerView({ record: answered.record, delivered }, false);
    const about = request === undefined ? '' : `: ${aboutOf(request)}`;
    const text = `${decision} for ${job_id}${about}\n${delivered}`;
    return printAnswer(json, { ...view, next: nextStep(answered.record) }, text);
  });

  function ofId(id: string): JobRecord {
    const { jobId, dir } = findJob(settings, id);
    return foldOwn(dir, jobId, home).record;
  }

  function theOnly(): JobRecord {
    const open = openRecords(settings.registryDir, home);
    const inPane = open.filter(waitsInItsPane).map(({ job_id }) => `mam attach ${job_id}`);
    const asks = (job: JobRecord): boolean => openDecisions(job).length > 0;
    return onlyAsking(
      open.filter(asks),
      { one: 'asks for a decision', several: 'ask for a decision' },
      (job) => {
        const [first, ...more] = openDecisions(job);
        const which = more.length === 0 ? '' : ` --request ${shellWord(first?.request_id ?? '')}`;
        return `mam ${decision} ${job.job_id}${which} # ${first === undefined ? '' : aboutOf(first)}`;
      },
      inPane.length === 0 ? openElsewhere(settings).filter(asks) : [],
      inPane.length === 0
        ? undefined
        : `A dialog can only be answered in its pane. ${inPane.length === 1 ? `Run: ${inPane[0]}` : oneOf(inPane)}`,
    );
  }
}
