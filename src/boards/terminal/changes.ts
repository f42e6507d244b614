import type { Link } from '../../link/link.ts';
import { type DiffParams, type DiffResult, diffPages, diffSummary } from '../../operations/diff.ts';
import { ELSEWHERE_MS } from '../../operations/request.ts';
import type { TextLine } from './texts.ts';

/** Of a longer difference only the beginning is read, in bytes. */
const MAX_BYTES = 1024 * 1024;
const MAX_LINES = 20_000;
const STAT_WIDTH = 76;

/** What a job has changed, as `mam diff` says it: how much of each file, then the lines. @throws MamError as the hub */
export async function changesOf(
  link: Pick<Link, 'request'>,
  job: { job_id: string; registry_dir: string },
): Promise<TextLine[]> {
  const stat = await read(link, { ...job, stat: true, columns: STAT_WIDTH });
  const diff = await read(link, job);
  const { first } = diff;
  const head: TextLine[] = [
    { text: first.folder ?? diffSummary(first), tone: 'head' },
    { text: `Compared with ${first.base.slice(0, 10)}, where the job began.`, tone: 'dim' },
    ...first.notes.map((text): TextLine => ({ text, tone: 'dim' })),
    { text: '' },
  ];
  if (first.size === 0) return [...head, { text: 'Nothing has changed.' }];
  const lines = [
    ...head,
    ...linesOf(stat.text).map((text) => ({ text })),
    { text: '' },
    ...linesOf(diff.text).map(painted),
    ...(diff.isCut ? [cut('The rest is too long to be shown.')] : []),
  ];
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES), cut('The rest is not shown.')];
}

async function read(link: Pick<Link, 'request'>, asked: DiffParams) {
  const first = (await link.request('diff', asked, ELSEWHERE_MS)) as DiffResult;
  const later = (page: object) => link.request('diff', { ...asked, ...page }, ELSEWHERE_MS);
  const pages: Buffer[] = [];
  let bytes = 0;
  for await (const page of diffPages(first, later)) {
    pages.push(page);
    bytes += page.length;
    if (bytes >= MAX_BYTES) break;
  }
  return { first, text: Buffer.concat(pages).toString(), isCut: bytes < first.size };
}

function painted(text: string): TextLine {
  if (/^(?:diff |--- |\+\+\+ )/.test(text)) return { text, tone: 'head' };
  if (text.startsWith('@@')) return { text, tone: 'mark' };
  if (text.startsWith('+')) return { text, tone: 'good' };
  return text.startsWith('-') ? { text, tone: 'bad' } : { text };
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function cut(text: string): TextLine {
  return { text: `… ${text}`, tone: 'dim' };
}
