import { expect, test } from 'vitest';
import { Screens } from '../../src/boards/web/screens.ts';
import type { Link } from '../../src/link/link.ts';
import { until } from '../support/until.ts';

test('a screen that takes long to read holds up no other', async () => {
  const asked: string[] = [];
  const sent: { job_id?: string; screen?: string }[] = [];
  let answerSlow = (): void => {};
  const slow = new Promise<void>((resolve) => {
    answerSlow = resolve;
  });
  const request = async (_: string, { job_id }: { job_id: string }): Promise<unknown> => {
    asked.push(job_id);
    if (job_id === 'slow') await slow;
    return { screen: [`${job_id} ${asked.length}`], live: true };
  };
  const screens = new Screens({ request } as unknown as Pick<Link, 'request'>, '/registry', {
    looked: new Set(['slow', 'quick']),
    tell: (_, message) => void sent.push(message),
  });
  screens.show('slow');
  screens.show('quick');
  const of = (id: string) => sent.filter(({ job_id }) => job_id === id);
  await until('the other one is read again', () => of('quick').length >= 2);
  expect(of('slow')).toEqual([]);
  expect(asked.filter((id) => id === 'slow')).toHaveLength(1);
  // What happened while it was read is seen at once, and not before its answer.
  screens.changed('slow');
  answerSlow();
  await until('the slow one has come twice', () => of('slow').length >= 2);
  screens.end();
});
