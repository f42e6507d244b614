import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentHome } from './home.ts';

/** The last 20 characters must be in `customApiKeyResponses`; otherwise a dialog asks whether to use the key. */
const KEY = 'sk-ant-dummy-key-for-tests-only-0000';

/** Claude Code 2.1.332, the native program: npm would install an older version on Node 20. */
export const claudeCode: AgentHome = {
  kind: 'claude-code',
  npm: { name: '@anthropic-ai/claude-code-linux-x64', version: '2.1.332' },
  bin: 'node_modules/@anthropic-ai/claude-code-linux-x64/claude',
  logs: /^\.cache\/claude-cli-nodejs\/.*\.jsonl$|^\.claude\/(debug|projects)\//,
  prepare(home, workdir, modelUrl, options) {
    // Without hasCompletedOnboarding it first contacts api.anthropic.com, and exits if that fails.
    const state = {
      hasCompletedOnboarding: true,
      lastOnboardingVersion: '2.1.332',
      theme: 'dark',
      customApiKeyResponses: { approved: [KEY.slice(-20)], rejected: [] },
      // Otherwise a dialog offers to make auto mode the default, 0.2 s after the input box appears.
      hasSeenAutoDefaultNudge: true,
      projects: options.untrusted ? {} : { [realpathSync(workdir)]: { hasTrustDialogAccepted: true } },
    };
    writeFileSync(join(home, '.claude.json'), JSON.stringify(state), { mode: 0o600 });
    // Otherwise it uses its default: since 2.1.3xx auto mode, which lets a plain command run, and checks a server's
    // tools through a service that is not available here.
    const permissions = options.ask ? { defaultMode: 'default' } : { allow: ['mcp__mam'] };
    mkdirSync(join(home, '.claude'), { recursive: true });
    writeFileSync(join(home, '.claude', 'settings.json'), JSON.stringify({ permissions }));
    return {
      ANTHROPIC_BASE_URL: modelUrl,
      ANTHROPIC_API_KEY: KEY,
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    };
  },
};
