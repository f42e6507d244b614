import { claudeCode } from './claude-code.ts';
import type { Client } from './client.ts';
import { codex } from './codex.ts';

/** Every client by its name. */
export const clients: Readonly<Record<string, Client>> = {
  'claude-code': claudeCode,
  codex,
};

/** Clients that are known, and whose configuration is not written yet. */
export const LATER: readonly string[] = ['gemini', 'opencode'];
