import type { Standing } from './standing.ts';

/** What keeps a job from its pane, and what lets it in; each goes on "Its pane …" and is a sentence with that. */
const WORDS: Readonly<Record<string, readonly [stands: string, remedy: string]>> = {
  busy: ['is in a turn of its own', 'The job goes in when that has ended.'],
  dialog: ['shows a dialog or a menu', 'Somebody has to answer or close it there.'],
  draft: [
    'has a text in its input box',
    'Somebody has to send or remove it there: it is neither sent nor overwritten.',
  ],
  copy_mode: ['is in copy mode', 'Somebody has to leave that there (q).'],
  not_ready: ['shows no input box', 'Somebody has to look there.'],
  unreachable: ['cannot be typed into', 'Somebody has to look there.'],
};

/** What stands in a queued job's way, in a few of our own words; nothing where nothing does. */
export function obstacleOf({ status, blocked_by: by }: Pick<Standing, 'status' | 'blocked_by'>) {
  if (status !== 'queued' || by === undefined) return undefined;
  const [stands, remedy] = WORDS[by] ?? [`is not free (${by})`, 'Somebody has to look there.'];
  return { stands: `its pane ${stands}`, remedy };
}
