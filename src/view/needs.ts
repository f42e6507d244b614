import { obstacleOf } from '../job/obstacle.ts';

/** What keeps a job, or a text for its peer, from its pane and what lets it in, as sentences; nothing where nothing does. */
export function obstacleText(record: Parameters<typeof obstacleOf>[0]): string | undefined {
  const kept = obstacleOf(record);
  return kept && `${kept.stands}. ${kept.remedy}`;
}

/** How many jobs need somebody, in words. */
export function needText(count: number): string {
  return count === 1 ? '1 needs you' : `${count} need you`;
}
