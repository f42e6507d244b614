import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentHome } from './home.ts';

/** Gemini CLI 0.61.0. */
export const gemini: AgentHome = {
  kind: 'gemini',
  npm: { name: '@google/gemini-cli', version: '0.61.0' },
  bin: 'node_modules/@google/gemini-cli/bundle/gemini.js',
  logs: /^\.gemini\/tmp\/.*\.json(l)?$/,
  prepare(home, workdir, modelUrl, options) {
    const folder = join(home, '.gemini');
    mkdirSync(folder, { recursive: true });
    const settings = {
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: true } },
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      ide: { enabled: false, hasSeenNudge: true },
      // A fixed model: with `auto`, each prompt first goes to a model that chooses one.
      model: { name: 'gemini-2.5-pro' },
    };
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
    const trusted = options.untrusted ? {} : { [realpathSync(workdir)]: 'TRUST_FOLDER' };
    writeFileSync(join(folder, 'trustedFolders.json'), JSON.stringify(trusted), { mode: 0o600 });
    return { GEMINI_API_KEY: 'dummy-key-for-tests-only', GOOGLE_GEMINI_BASE_URL: modelUrl };
  },
  /** YOLO mode can't be set in settings.json. */
  args: (options) => (options.ask ? [] : ['--approval-mode=yolo']),
};
