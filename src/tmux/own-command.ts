import type { Look } from './preflight.ts';

/** A command of an agent's own that is typed into its box, such as `/clear`. */
export interface OwnCommand {
  text: string;
  /**
   * Its row in the menu that the agent opens for it, when Enter chooses this row. Absent: Enter submits what was typed.
   */
  menu?: RegExp;
  /** What the screen shows once it was carried out, and before anything else was said. */
  done?: RegExp;
}

/** The row of the agent's menu that Enter would choose, if it is the one of our command. */
export function menuRow({ command }: Pick<Look, 'command'>, lines: readonly string[]): string | undefined {
  if (command?.menu === undefined) return undefined;
  const text = lines.join('\n');
  const at = text.search(command.menu);
  return at < 0 ? undefined : lines[text.slice(0, at).split('\n').length - 1];
}

/** True while the agent's menu does not offer our command, so that Enter would choose something else. */
export function isElsewhere(look: Pick<Look, 'command'>, lines: readonly string[]): boolean {
  return look.command?.menu !== undefined && menuRow(look, lines) === undefined;
}
