import { claudeCode } from './claude-code.ts';
import type { Client } from './client.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';

export const clients: Readonly<Record<string, Client>> = {
  'claude-code': claudeCode,
  codex,
  gemini,
  opencode,
};
