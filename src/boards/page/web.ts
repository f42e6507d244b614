import { countJobs } from '../model/rows.ts';
import { Board } from './board.ts';
import { button, el } from './dom.ts';
import { Refusal } from './host.ts';
import { LiveJobs, type News } from './live-jobs.ts';
import { NewJob } from './new-job.ts';
import { listenTogether } from './shared-stream.ts';
import { WebHost } from './web-host.ts';

/** The page of `mam web`: the board of a person, live by server-sent events. */

/** How often ages are updated, in ms. */
const AGES_MS = 10_000;
const RETRY_MS = 2_000;
/** Kept with the address of a job that was chosen in the list. */
const FROM_LIST = 'from the list';

const host = new WebHost();
const live = new LiveJobs(host);
const newJob = new NewJob(host, (jobId, summary) => {
  go(jobId);
  board.tell(summary);
});
const where = el('p', { class: 'where' });
const board = new Board(
  host,
  where,
  button('New job', '', () => void newJob.open()),
);
let stream: string | undefined;
let project = '';
let drawing = false;
/** The end of the list is in sight. */
let atEnd = false;
const reload = again(async () => {
  await live.reload();
  show();
  choose();
  await board.readLog();
  board.warn('');
});
const readLog = again(() => board.readLog());

board.onStale = readLog;
board.onMore = () => {
  // After a failure, the stream says that the server is gone, and everything is fetched again.
  live.more().then(
    (changed) => changed && show(),
    () => {},
  );
};
board.onSelect = go;
addEventListener('popstate', choose);
document.addEventListener('visibilitychange', look);
addEventListener('pagehide', () => host.look(stream, undefined));
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && !newJob.element.open && chosen() !== undefined) go(undefined);
});
setInterval(() => board.render(), AGES_MS);
document.body.append(board.element, newJob.element);
new IntersectionObserver((entries) => {
  atEnd = entries.at(-1)?.isIntersecting === true;
  if (atEnd) board.onMore();
}).observe(board.more);

listenTogether('events', host.tab, {
  heard(event, data) {
    if (event === 'ready') begin(data);
    else if (event === 'heard') take(data as unknown as News);
    else if (event === 'screen') board.showScreen(String(data['job_id']), data);
    else if (event === 'hub' && data['here'] === true) reload();
    else if (event === 'hub')
      board.warn('The hub has stopped, and mam is starting it again. Until then, this page may be outdated.');
  },
  lost(why, nextMs) {
    stream = undefined;
    const next = nextMs === undefined ? '' : ' This page connects again by itself.';
    board.warn(`${why}${next} Until then, what it shows may be outdated.`);
  },
});

function begin({ stream: id, place }: Record<string, unknown>): void {
  stream = String(id);
  where.textContent = String(place);
  project = String(place).split('/').at(-1) ?? '';
  look();
  reload();
}

function take(news: News): void {
  if (!live.hear(news)) return;
  show();
  // The answer to a delegation may come before the job.
  if (news.row !== undefined && news.row.job_id === chosen()) choose();
  if (news.heard.event.job_id === chosen()) readLog();
}

/** Draws with the next frame: a burst of events is drawn once. The title counts in the background too. */
function show(): void {
  const { needYou } = countJobs(live.list.jobs);
  document.title = `${needYou > 0 ? `(${needYou}) ` : ''}mam${project === '' ? '' : ` · ${project}`}`;
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    board.showList(live.list);
    if (atEnd) board.onMore();
  });
}

function chosen(): string | undefined {
  return location.hash.slice(1) || undefined;
}

/** Goes to a job, or back to the list, so that the browser's own way back does the same. */
function go(jobId: string | undefined): void {
  if (jobId !== undefined && chosen() === undefined) history.pushState(FROM_LIST, '', `#${jobId}`);
  else if (jobId !== undefined) history.replaceState(history.state, '', `#${jobId}`);
  else if (history.state !== FROM_LIST) history.replaceState(null, '', location.pathname);
  // The job goes when the browser has gone back.
  if (jobId === undefined && history.state === FROM_LIST) history.back();
  else choose();
}

/** Shows the job that the address names. */
function choose(): void {
  const jobId = chosen();
  board.select(jobId !== undefined && live.has(jobId) ? jobId : undefined);
  look();
}

/** The server reads the screen that is looked at, and no other. */
function look(): void {
  host.look(stream, document.hidden ? undefined : chosen());
}

/** Runs work; a call while it runs makes it run once more. What fails is tried again. */
function again(work: () => Promise<void>): () => void {
  let running = false;
  let wanted = false;
  const run = async (): Promise<void> => {
    running = true;
    do {
      wanted = false;
      try {
        await work();
      } catch (error) {
        if (error instanceof Refusal) board.tell(error.message, true);
        else {
          board.warn(`${error instanceof Error ? error.message : String(error)} This may be outdated.`);
          wanted = true;
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    } while (wanted);
    running = false;
  };
  return () => {
    wanted = true;
    if (!running) void run();
  };
}
