import { identify, isAlive } from '../base/process-id.ts';
import type { TmuxServer } from './control.ts';
import { TYPING_OPTION } from './marks.ts';
import { formatLiteral, quote } from './quote.ts';

let own: string | undefined;

/** What this process writes on a pane with a paste, and keeps there while it presses keys: `PID NAMESPACE START`. */
export function ourClaim(): string {
  const { pid, start, ns = '-' } = identify(process.pid);
  own ??= `${pid} ${ns} ${start}`;
  return own;
}

/** The process of another living hub that made a claim, and is about to press Enter. */
export function otherHub(claim: string): number | undefined {
  const [, pid, ns, start = ''] = /^(\d+) (\S+) (.+)$/.exec(claim) ?? [];
  if (pid === undefined || claim === ourClaim()) return undefined;
  const id = { pid: Number(pid), start, ...(ns !== '-' && { ns }) };
  return isAlive(id) ? id.pid : undefined;
}

/** Removes our own claim from a pane. */
export async function release(server: TmuxServer, pane: string): Promise<void> {
  const target = quote(pane);
  const isOurs = quote(`#{==:#{${TYPING_OPTION}},${formatLiteral(ourClaim())}}`);
  await server.command(
    `if-shell -F -t ${target} ${isOurs} ${quote(`set-option -p -u -t ${target} ${TYPING_OPTION}`)}`,
  );
}
