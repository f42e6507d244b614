import { MamError } from '../base/errors.ts';
import { choice, count, flag, group, list, maybe, or, type Sent, text, type Values } from '../base/fields.ts';
import { counted } from '../base/text.ts';
import { type JobRow, jobRow } from '../job/row.ts';
import { STATUSES } from '../job/words.ts';
import { listRow } from '../view/job.ts';
import { needText } from '../view/summary.ts';
import { host } from './common.ts';

const fields = {
  status: maybe(
    choice(STATUSES, 'only jobs with this status', {
      typed: `only jobs with this status, one of ${STATUSES.join(', ')}`,
    }),
    '',
  ),
  agent: maybe(text('only jobs of this agent kind or profile', { completes: 'agent' }), ''),
  mine: flag('only jobs of this client session'),
  needs_you: flag('only jobs that need you'),
  limit: or(count('page size', { min: 1, max: 200, typed: 'maximum number of jobs; default: 50' }), 50),
  cursor: maybe(text('cursor of an earlier answer, for the page after it')),
  host: { ...host, typed: 'the jobs that another host lists, instead of those of this registry' },
};
const { mine: _, host: __, ...filter } = fields;

export const listJobs = {
  fields,
  params: {
    registry_dir: text('folder of the registry, absolute'),
    ...filter,
    limit: count('maximum number of jobs'),
    status: maybe(text('only jobs with this status')),
    session: maybe(text('only the jobs of this client session and of its pane')),
    place: maybe(text('that pane')),
    open_only: flag('only jobs that are not final'),
    room: maybe(count('how many characters of JSON the jobs may have')),
    untold: flag('only jobs that their supervisor has yet to be notified of'),
  },
  answer: {
    jobs: list(group(jobRow)),
    total: count('jobs in the registry, regardless of the filter'),
    need_you: count('how many of these need you'),
    cursor: maybe(text('absent on the last page')),
    registry_dir: maybe(text()),
  },
};
export type ListParams = Sent<typeof listJobs.params>;

export interface ListResult {
  jobs: JobRow[];
  cursor?: string | undefined;
  total: number;
  /** How many jobs of the registry need someone, regardless of the filter. */
  need_you?: number | undefined;
}

/**
 * The filter for the jobs that another host lists.
 * @throws MamError `bad_input` for what only this host's registry knows
 */
export function filterThere({ mine, cursor, status, agent, needs_you, limit }: Values<typeof fields>) {
  if (mine || cursor !== undefined)
    throw new MamError(
      'bad_input',
      `${mine ? 'mine' : 'cursor'} does not apply to another host's list.`,
      'Leave it out; without host, the list has your jobs there too.',
    );
  return { status, agent, needs_you, limit };
}

/** The answer of another host. */
export function listViewAt(host: string, { jobs, total, need_you = 0 }: ListResult) {
  const needs = need_you === 0 ? '' : ` ${needText(need_you)}.`;
  const shown = jobs.length === 0 ? 'No job matches, of' : `${jobs.length} of`;
  const summary = `${shown} ${counted(total, 'job')} that ${host} shows.${needs}`;
  return { summary, jobs: jobs.map(listRow), total, need_you };
}

/** The answer without the next step. */
export function listView({ jobs, cursor, total, need_you = 0 }: ListResult, registry_dir: string) {
  const needs = need_you === 0 ? '' : ` ${needText(need_you)}.`;
  const shown =
    jobs.length === 0
      ? `No job matches; the registry has ${total}.`
      : `${jobs.length} of the registry's ${total} ${total === 1 ? 'job' : 'jobs'}, those that need you first.`;
  const summary = total === 0 ? 'There are no jobs yet.' : `${shown}${needs}`;
  return { summary, jobs: jobs.map(listRow), total, need_you, cursor, registry_dir };
}
