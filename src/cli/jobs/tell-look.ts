import { isLookWanted } from '../../job/new-session.ts';
import { isOwner } from '../../job/owner.ts';
import type { JobRecord } from '../../job/record.ts';
import { tellLook } from '../../link/hold.ts';
import type { Link } from '../../link/link.ts';
import { ownerOf, type Settings, sessionOf } from '../../settings/config.ts';
import { withLink } from './with-hub.ts';

/** Tells the hub that a person has seen how jobs of other sessions have ended. What can't be told is seen again later. */
export async function tellOthersLook(
  link: Pick<Link, 'request'>,
  settings: Settings,
  shown: readonly JobRecord[],
): Promise<void> {
  const others = shown.filter(({ supervisor }) => !isOwner(supervisor, ownerOf(settings)));
  await tell(link, settings, others);
}

/** The same for a command that has no connection: it is made only if a session waits for the look. */
export async function tellLookAt(settings: Settings, record: JobRecord): Promise<void> {
  if (!isLookWanted(record) || isOwnPane(settings, record)) return;
  await withLink(settings, (link) => tell(link, settings, [record])).catch(() => {});
}

async function tell(link: Pick<Link, 'request'>, settings: Settings, shown: JobRecord[]): Promise<void> {
  const seen = shown.filter((record) => !isOwnPane(settings, record));
  await tellLook(link, settings.registryDir, sessionOf(settings), seen).catch(() => {});
}

/** True in the pane of the job's own agent, whose look at itself does not count. */
function isOwnPane({ pane, paneSocket }: Settings, { agent_session: session }: JobRecord): boolean {
  return session !== undefined && session.pane === pane && session.socket === paneSocket;
}
