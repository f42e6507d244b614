import { isLookWanted } from '../../job/new-session.ts';
import type { JobRecord } from '../../job/record.ts';
import { tellLook } from '../../link/hold.ts';
import type { Link } from '../../link/link.ts';
import { type Settings, sessionOf } from '../../settings/config.ts';
import { withLink } from './with-hub.ts';

/**
 * Tells the hub that someone has seen how jobs have ended, for those whose session waits for that. What can't be told is
 * seen again later.
 * @returns when the hub knows: the command may end right after it
 */
export async function tellLooks(
  link: Pick<Link, 'request'>,
  settings: Settings,
  shown: readonly JobRecord[],
): Promise<void> {
  const seen = shown.filter((record) => !isOwnPane(settings, record));
  await tellLook(link, settings.registryDir, sessionOf(settings), seen).catch(() => {});
}

/** The same for a command that has no connection: it is made only if a session waits for the look. */
export async function tellLookAt(settings: Settings, record: JobRecord): Promise<void> {
  if (!isLookWanted(record) || isOwnPane(settings, record)) return;
  await withLink(settings, (link) => tellLooks(link, settings, [record])).catch(() => {});
}

/** True in the pane of the job's own agent, whose look at itself does not count. */
function isOwnPane({ pane, paneSocket }: Settings, { agent_session: session }: JobRecord): boolean {
  return session !== undefined && session.pane === pane && session.socket === paneSocket;
}
