import { reader as claudeCode } from './claude-code.ts';
import { reader as codex } from './codex.ts';
import { reader as gemini } from './gemini.ts';
import type { HookReader } from './hook-report.ts';
import { reader as opencode } from './opencode.ts';

/** How the hooks of each agent kind are read. */
export const readers: Readonly<Record<string, HookReader>> = {
  'claude-code': claudeCode,
  codex,
  gemini,
  opencode,
};
