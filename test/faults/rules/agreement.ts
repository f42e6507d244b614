import { isDeepStrictEqual } from 'node:util';
import type { JobRecord } from '../../../src/job/record.ts';
import type { Rule } from './rule.ts';

/** What each of them says about a job's state. */
interface Standing {
  status: string;
  reason?: string | undefined;
  final_at?: string | undefined;
}

/** Once all is at rest, the journal, `job.json`, the lists, `job_status` and the retained record agree. */
export const agreement: Rule = ({ jobs, unretained }) => [
  ...unretained.map((what) => `the retained record of ${what}`),
  ...Object.entries(jobs).flatMap(([id, { folded, snapshot, row, listed, status, retained }]) => {
    if (folded === undefined) return [];
    const differs = (what: string, is: Standing | undefined): string[] => {
      if (is === undefined) return [`${id}: ${what} is missing; its journal says ${stand(folded)}`];
      return stand(is) === stand(folded)
        ? []
        : [`${id}: ${what} says ${stand(is)}, its journal ${stand(folded)}`];
    };
    return [
      ...differs('job.json', snapshot),
      ...(snapshot !== undefined &&
      stand(snapshot) === stand(folded) &&
      !isDeepStrictEqual(plain(snapshot), plain(folded))
        ? [`${id}: job.json is not what its journal folds to: ${differences(snapshot, folded)}`]
        : []),
      ...differs('list_jobs', row),
      ...differs('mam list', listed),
      ...differs('job_status', status),
      ...(retained === undefined ? [] : differs('the retained record', retained)),
    ];
  }),
];

function stand({ status, reason, final_at: at }: Standing): string {
  return `${status}${reason === undefined ? '' : `: ${reason}`}${at === undefined ? '' : ` at ${at}`}`;
}

function plain(record: object): object {
  return JSON.parse(JSON.stringify(record));
}

function differences(one: JobRecord, other: JobRecord): string {
  const [a, b] = [plain(one), plain(other)] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => !isDeepStrictEqual(a[name], b[name]))
    .join(', ');
}
