import { builtIn, screenOf } from '../agents/index.ts';
import type { JobRecord } from '../job/record.ts';
import { find } from '../tmux/screen.ts';

/** A dialog may show only the beginning of what it asks for. */
const COMPARED_WORDS = 8;

/** A dialog on an agent's screen. */
export interface ShownDialog {
  /** Equal for two looks at the same dialog. */
  key: string;
  /** `permission`, `trust`, …; `other` where the kind does not tell. */
  name: string;
  tool: string;
  input: string;
  /** False for a dialog that does not show all it asks for (a small pane): it is never answered by key. */
  whole: boolean;
  /** What a person has to do in the pane. */
  remedy: string;
}

/** The dialog that a screen shows, if it shows one. */
export function dialogOn(
  lines: readonly string[],
  { agent, typing }: Pick<JobRecord, 'agent' | 'typing'>,
): ShownDialog | undefined {
  const kind = builtIn(agent);
  for (const { name, pattern, remedy } of kind?.dialogs ?? []) {
    const line = find(lines, pattern);
    if (line === undefined) continue;
    const shown = name === 'permission' ? kind?.permission?.read(lines) : undefined;
    const tool = shown?.tool ?? `dialog (${name})`;
    const input = shown?.input ?? line;
    return {
      key: `${name}\n${tool}\n${input}`,
      name,
      tool,
      input,
      whole: shown !== undefined && shown.partial !== true,
      remedy,
    };
  }
  const line = typing?.dialog === undefined ? undefined : find(lines, screenOf(agent, typing).dialog);
  if (line === undefined) return undefined;
  return {
    key: `other\n${line}`,
    name: 'other',
    tool: 'dialog',
    input: line,
    whole: false,
    remedy: 'answer the dialog',
  };
}

/** True when a dialog shows what a request is about. */
export function isAbout(
  dialog: Pick<ShownDialog, 'tool' | 'input'> | undefined,
  { tool, input }: { tool?: string | undefined; input?: string | undefined },
): boolean {
  if (dialog === undefined) return false;
  const shown = `${dialog.tool} ${dialog.input}`;
  const asked = plainWords(input ?? '');
  if (asked.length === 0) return shown.includes(tool ?? '');
  if (asked.slice(0, COMPARED_WORDS).every((word) => shown.includes(word))) return true;
  // Gemini CLI 0.61.0 hides the beginning of a long command.
  const end = plainWords(dialog.input).slice(-COMPARED_WORDS);
  return end.length >= COMPARED_WORDS && end.every((word) => input?.includes(word) === true);
}

/** The plain words of a text, in their order: what survives any wrapping and framing. */
export function plainWords(text: string): string[] {
  return text.match(/[A-Za-z0-9_-]{3,40}/g) ?? [];
}
