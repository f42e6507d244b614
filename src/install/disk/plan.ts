import type { ConfigFile, Edited, Scope } from '../client.ts';
import { quotedIn } from '../mask.ts';
import { type Found, prepare, readConfig, replaceConfig, restoreConfig } from './files.ts';
import type { Note, Receipts } from './receipts.ts';
import { missingFolders, removeFolders, sweepBackups } from './tidy.ts';

/** A file of the client, before and after. */
export interface Plan {
  /** As the client names it; `found.path` is the same with all links resolved. */
  path: string;
  found: Found;
  edited: Edited;
  change: 'created' | 'changed' | 'removed' | 'unchanged';
  /** True when the server is in the file but switched off. */
  off: boolean;
  /** The values that are ours, now or before; others may be secret. */
  ours: ReadonlySet<string>;
  backup?: string | undefined;
  /** The backups that are no longer needed, since the file is again the same as the oldest of them. */
  removed?: string[];
}

/** Plans a file's change. @param within no link may lead out of it @throws MamError if it can't be read or changed */
export function planOf(
  file: ConfigFile,
  receipts: Receipts,
  { uninstall, within }: { uninstall: boolean; within: string | undefined },
): Plan {
  const found = readConfig(file.path, within);
  const receipt = receipts.of(found.path)?.receipt;
  const edited = (uninstall ? file.uninstall : file.install)(found.text, receipt);
  const alone = file.install(undefined, undefined).text ?? '';
  const ours = quotedIn(`${alone}\n${JSON.stringify(receipt) ?? ''}`);
  const off = file.read?.(edited.text)?.enabled === false;
  return { path: file.path, found, edited, change: changeOf(found.text, edited.text), off, ours };
}

/** Writes every file that changes, or none. */
export async function carryOut(
  plans: Plan[],
  receipts: Receipts,
  { scope, uninstall }: { scope: Scope; uninstall: boolean },
): Promise<void> {
  const changing = plans.filter(({ change }) => change !== 'unchanged');
  const before = new Map(plans.map((plan) => [plan, receipts.of(plan.found.path)]));
  const made = new Map(changing.map((plan) => [plan, missingFolders(plan.found.path)]));
  const save = async (noteOf: (plan: Plan) => Note | undefined): Promise<void> => {
    for (const plan of plans) receipts.set(plan.found.path, noteOf(plan));
    await receipts.save();
  };
  const after = (plan: Plan): Note | undefined => {
    const { backups = [], folders = [] } = before.get(plan) ?? {};
    const { receipt } = plan.edited;
    if (receipt === undefined) return undefined;
    return {
      receipt,
      backups: plan.backup === undefined ? backups : [...backups, plan.backup],
      folders: [...folders, ...(made.get(plan) ?? [])],
    };
  };
  const done: Plan[] = [];
  try {
    for (const { found } of changing) prepare(found, scope === 'user');
    // If this process is killed now, an extra receipt does no harm: only what exists is ever removed.
    if (!uninstall) await save(after);
    for (const plan of changing) {
      plan.backup = replaceConfig(plan.found, plan.edited.text, scope === 'user' ? 0o600 : 0o666);
      done.push(plan);
    }
  } catch (error) {
    for (const { found, backup } of done) restoreConfig(found, backup);
    for (const folders of made.values()) removeFolders(folders);
    await save((plan) => before.get(plan));
    throw error;
  }
  await save(after);
  for (const plan of plans) tidy(plan, before.get(plan));
}

/** Removes what else was made for a file once nothing of ours is left in it. */
function tidy(plan: Plan, note: Note | undefined): void {
  const { edited } = plan;
  if (note === undefined || edited.receipt !== undefined) return;
  // The last backup has what the user had added to our entry.
  const spare = edited.lost === undefined ? plan.backup : undefined;
  const removed = sweepBackups(edited.text, note.backups, spare);
  if (removed !== undefined) {
    if (spare !== undefined) delete plan.backup;
    if (removed.length > 0) plan.removed = removed;
  }
  removeFolders(note.folders);
}

function changeOf(before: string | undefined, after: string | undefined): Plan['change'] {
  if (before === after) return 'unchanged';
  if (before === undefined) return 'created';
  return after === undefined ? 'removed' : 'changed';
}
