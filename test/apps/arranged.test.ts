import { expect, test } from 'vitest';
import { arranged } from '../../src/boards/model/order.ts';
import type { JobRow } from '../../src/job/row.ts';

const row = (job_id: string, status: string, after?: string[]): JobRow => ({
  ...{ job_id, agent: 'codex', status, phase: status, prompt_preview: 'p', after },
  created_at: `2026-01-0${job_id.length}`,
});
const shown = (rows: JobRow[]) => arranged(rows).map(({ row: { job_id }, depth }) => `${depth} ${job_id}`);

test('a waiting job stands below what it waits for, and one that goes on stands by itself', () => {
  const rows = [
    row('a', 'working'),
    row('bb', 'working'),
    row('ccc', 'queued', ['a']),
    row('dddd', 'queued', ['ccc', 'gone']),
    row('eeeee', 'working', ['a']),
    row('ffffff', 'queued'),
  ];
  expect(shown(rows)).toEqual(['0 eeeee', '0 bb', '0 a', '1 ccc', '2 dddd', '0 ffffff']);
  expect(shown([row('a', 'completed'), row('bb', 'queued', ['a'])])).toEqual(['0 bb', '0 a']);
});

test('what waits for itself is listed all the same', () => {
  expect(shown([row('a', 'queued', ['bb']), row('bb', 'queued', ['a'])]).sort()).toEqual(['0 a', '0 bb']);
});
