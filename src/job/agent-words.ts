import { cleanLine } from '../base/text.ts';

/** A longer name comes from elsewhere; in characters. */
const NAME_CHARS = 80;

/** Which agent a job is for, or a session runs, on one line: `codex`, or `reviewer (claude-code)`. */
export function agentWords({ agent, profile }: { agent: string; profile?: string | undefined }): string {
  const kind = cleanLine(agent, NAME_CHARS);
  return profile === undefined ? kind : `${cleanLine(profile, NAME_CHARS)} (${kind})`;
}
