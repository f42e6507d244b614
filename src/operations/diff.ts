import { count, flag, maybe, type Sent, text } from '../base/fields.ts';
import { counted } from '../base/text.ts';
import type { JobRecord } from '../job/record.ts';
import { inRegistry, jobId } from './common.ts';

const fields = {
  job_id: jobId,
  stat: flag('only how much of each file has changed'),
};

export const diff = {
  fields,
  params: {
    ...{ ...fields, ...inRegistry },
    exact: flag('with the contents of binary files, for git apply'),
    columns: maybe(count('how wide a line of stat may be')),
    page: maybe(text('the id of a difference that is longer than one answer')),
    offset: maybe(count('with page: where to continue, in bytes')),
  },
};
export type DiffParams = Sent<typeof diff.params>;

/** A file that has changed, as git counts it. */
export interface DiffFile {
  path: string;
  /** Before it was renamed. */
  old_path?: string | undefined;
  /** Lines; absent for a binary file. */
  added?: number | undefined;
  deleted?: number | undefined;
}

/** What a job has changed: the first page says what is compared. */
export interface DiffResult {
  record: JobRecord;
  /** The commit that it is compared with. */
  base: string;
  /** The folder that was looked at; absent where only commits were compared. */
  folder?: string | undefined;
  /** The commit that was looked at instead. */
  commit?: string | undefined;
  branch?: string | undefined;
  files: DiffFile[];
  files_total: number;
  /** Sentences about what is shown, and what is not. */
  notes: string[];
  /** A page of git's words, in base64, where the next one begins, and how long all are, in bytes. */
  data: string;
  page?: string | undefined;
  next_offset?: number | undefined;
  size: number;
}

/** A later page has only the text. */
export type DiffPage = Pick<DiffResult, 'data' | 'page' | 'next_offset' | 'size'>;

/**
 * What git says, page by page.
 * @param later asks for a later page
 */
export async function* diffPages(
  first: DiffPage,
  later: (page: { page: string; offset: number }) => Promise<DiffPage>,
): AsyncGenerator<Buffer> {
  for (let at = first; ; ) {
    yield Buffer.from(at.data, 'base64');
    const { page, next_offset: offset } = at;
    if (page === undefined || offset === undefined) return;
    at = await later({ page, offset });
  }
}

/** What is shown, as a sentence. */
export function diffSummary({ record, base, folder, commit, branch, files_total }: DiffResult): string {
  const where = branch === undefined ? (folder ?? '') : `branch ${branch}`;
  const what = folder === undefined ? `${where} up to ${(commit ?? '').slice(0, 10)}` : folder;
  return `Job ${record.job_id}: ${counted(files_total, 'file')} in ${what} differ${files_total === 1 ? 's' : ''} from ${base.slice(0, 10)}.`;
}
