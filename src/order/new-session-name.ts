import { builtIn } from '../agents/index.ts';
import { randomPartOf } from '../base/ids.ts';

/** The length of the first part of a name, so that the whole stays short and is a name for tmux. */
const KIND_CHARS = 40;

/**
 * The name of the session that is started for one job alone, such as `codex-k3f9x2ab`.
 * @param kind the agent kind, or the profile
 */
export function newSessionName(kind: string, jobId: string): string {
  const known = builtIn(kind)?.defaultSession ?? kind;
  // tmux changes other characters, or takes them for something else.
  const plain = known.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+/, '');
  return `${plain.slice(0, KIND_CHARS) || 'agent'}-${randomPartOf(jobId) ?? jobId.slice(-8)}`;
}
