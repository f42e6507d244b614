import { test } from 'vitest';
import { MamError } from '../../src/base/errors.ts';
import { Feed } from '../../src/boards/terminal/feed.ts';
import { press } from '../../src/boards/terminal/keys.ts';
import { initialState } from '../../src/boards/terminal/state.ts';
import { Store } from '../../src/boards/terminal/store.ts';
import type { Link } from '../../src/link/link.ts';
import type { Commands } from '../../src/operations/request.ts';
import { until } from '../support/until.ts';

/** So many pages that the way to the end takes longer than a lane's pause after a failure. */
const COUNT = 5_000;
const REGISTRY = '/registry';

/** A hub with many jobs, each of which is gone when it is looked at. */
function hub(): Link {
  const list = ({ cursor, limit, open_only }: Commands['list']['params']): Commands['list']['result'] => {
    if (open_only === true) return { jobs: [], total: COUNT };
    const start = Number(cursor ?? 0);
    const jobs = Array.from({ length: Math.min(limit, COUNT - start) }, (_, index) => ({
      ...{ job_id: `job-${start + index}`, agent: 'human', status: 'completed', phase: 'submitted' },
      ...{ prompt_preview: '', created_at: new Date(0).toISOString() },
    }));
    const next = start + jobs.length;
    return { jobs, total: COUNT, ...(next < COUNT && { cursor: `${next}` }) } as Commands['list']['result'];
  };
  const request = async (command: string, params: never): Promise<unknown> => {
    if (command === 'list') {
      // Other answers come sooner.
      await new Promise((resolve) => setTimeout(resolve, 60));
      return list(params);
    }
    throw new MamError('not_found', 'There is no job with this id.');
  };
  const nothing = () => () => {};
  const link = { request, followAll: nothing, onConnect: nothing, onLost: nothing };
  return link as unknown as Link;
}

/** A hub with two jobs; nobody answers for the screen of the first one. */
function slowHub(): Link {
  const jobs = ['far', 'near'].map((job_id, index) => ({
    ...{ job_id, agent: 'human', status: 'working', phase: 'submitted', prompt_preview: '' },
    ...{ session: 'work', pane: '%1', created_at: new Date(10 - index).toISOString() },
  }));
  const request = async (command: string, { job_id }: { job_id?: string }): Promise<unknown> => {
    if (command === 'list') return { jobs, total: jobs.length };
    if (command === 'screen' && job_id === 'near') return { screen: ['here'], live: true };
    if (command === 'screen') return new Promise(() => {});
    throw new MamError('not_found', 'There is no job with this id.');
  };
  const nothing = () => () => {};
  return { request, followAll: nothing, onConnect: nothing, onLost: nothing } as unknown as Link;
}

test('a screen that takes long to read holds up no other', async () => {
  const size = { columns: 160, rows: 50 };
  const store = new Store(
    initialState({ size, now: 0, coloured: false, registryDir: REGISTRY, cwd: '/work', which: 'all' }),
  );
  const feed: Feed = new Feed({
    ...{ link: slowHub(), host: 'here', registryDir: REGISTRY, state: () => store.state },
    take: (action) => {
      store.dispatch(action);
      feed.fetchMissing();
    },
  });
  feed.start();
  await until('the first job is selected', () => store.state.selected === 'far');
  store.set(press(store.state, { name: 'down' }).state);
  feed.fetchMissing();
  await until('the screen of the other one is shown', () => store.state.screen?.jobId === 'near');
  feed.stop();
  store.stop();
});

test('the way to the end of the list begins anew at no job that is gone', async () => {
  const store = new Store(
    initialState({
      ...{
        size: { columns: 80, rows: 24 },
        now: 0,
        coloured: false,
        registryDir: REGISTRY,
        cwd: '/work',
        which: 'all',
      },
    }),
  );
  const feed: Feed = new Feed({
    ...{ link: hub(), host: 'here', registryDir: REGISTRY, state: () => store.state },
    take: (action) => {
      store.dispatch(action);
      feed.fetchMissing();
    },
  });
  feed.start();
  await until('the first page is there', () => store.state.jobs.parts.all.loaded);
  store.set(press(store.state, { name: 'end' }).state);
  feed.fetchMissing();
  await until('the last row is selected', () => store.state.selected === `job-${COUNT - 1}`);
  feed.stop();
  store.stop();
});
