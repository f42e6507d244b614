import { obstacleOf } from '../job/obstacle.ts';
import type { Standing } from '../job/standing.ts';

/** What keeps a queued job from its pane and what lets it in, as sentences; nothing where nothing does. */
export function obstacleText(record: Pick<Standing, 'status' | 'blocked_by'>): string | undefined {
  const kept = obstacleOf(record);
  return kept && `${kept.stands}. ${kept.remedy}`;
}

/** How many jobs need somebody, in words. */
export function needText(count: number): string {
  return count === 1 ? '1 needs you' : `${count} need you`;
}
