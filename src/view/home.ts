import { cleanLine } from '../base/text.ts';
import type { JobHome } from '../job/home.ts';
import { isHostOffline, isLost } from '../job/home-state.ts';
import type { JobRecord } from '../job/record.ts';
import type { JobRow } from '../job/row.ts';
import { isFinal } from '../job/words.ts';
import { dayAndTime } from './times.ts';

const NAME_CHARS = 40;

/** The machine that a job runs on; undefined for one of this machine. */
export function hostOf({ home }: Pick<JobRecord, 'home'>): string | undefined {
  return home && cleanLine(home.host, NAME_CHARS);
}

/** The machine that a job was delegated from; undefined for one of this machine. */
export function fromHost({ supervisor }: Pick<JobRecord, 'supervisor'>): string | undefined {
  return supervisor.host === undefined ? undefined : cleanLine(supervisor.host, NAME_CHARS);
}

/** The other machine that a row is about: that of its peer, or the one it was delegated from; undefined for neither. */
export function farOf({ host, from }: Pick<JobRow, 'host' | 'from'>): string | undefined {
  const name = host ?? (from === undefined ? undefined : `from ${from}`);
  return name && cleanLine(name, NAME_CHARS);
}

/** What keeps this copy of a job from being the latest, in a sentence or two; undefined if nothing does. */
export function awayText(record: Pick<JobRecord, 'home' | 'status'>): string | undefined {
  const { home } = record;
  if (isLost(record) && !isFinal(record.status))
    return `It is lost: nothing more is expected from ${hostOf(record)}.`;
  if (home === undefined || !isHostOffline(record) || home.state === 'asking') return copyText(record);
  return `${hostOf(record)} has been offline${sinceText(home)}. ${copyText(record)}`;
}

/** The same beside the state of the machine, which it does not repeat. */
export function copyText(record: Pick<JobRecord, 'home' | 'status'>): string | undefined {
  const { home } = record;
  const host = hostOf(record);
  if (home === undefined || isFinal(record.status)) return undefined;
  if (isLost(record)) return 'Nothing more is expected from there.';
  const since = sinceText(home);
  if (home.state === 'asking')
    return `${host} has not confirmed it${since === '' ? '' : ` and has been offline${since}`}: whether it has the job will show as soon as it answers.`;
  return isHostOffline(record)
    ? 'The job goes on there if that machine is running; everything shown here is from before that.'
    : undefined;
}

/** The state of the machine in a few words, such as `hostb, offline since 2026-11-22 14:03`. */
export function hostWords(record: Pick<JobRecord, 'home' | 'status'>): string | undefined {
  const { home } = record;
  if (home === undefined) return undefined;
  const host = hostOf(record);
  if (isLost(record)) return `${host}, lost`;
  if (isFinal(record.status)) return host;
  const state = home.offline_since === undefined && home.online ? 'online' : `offline${sinceText(home)}`;
  return `${host}, ${state}${home.state === 'asking' ? ', not confirmed' : ''}`;
}

function sinceText({ offline_since: since }: JobHome): string {
  return since === undefined ? '' : ` since ${dayAndTime(since)}`;
}
