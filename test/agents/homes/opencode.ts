import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentHome } from './home.ts';

/** OpenCode, whose provider is a scripted model that speaks OpenAI's chat completions (`model/chat.ts`). */
export const opencode: AgentHome = {
  kind: 'opencode',
  npm: { name: 'opencode-ai', version: '1.18.33' },
  // The package's postinstall puts the native program of the platform in its place.
  bin: 'node_modules/.bin/opencode',
  logs: /^\.local\/share\/opencode\/log\//,
  prepare(home, _workdir, modelUrl, { ask }) {
    const folder = join(home, '.config', 'opencode');
    mkdirSync(folder, { recursive: true });
    const config = {
      $schema: 'https://opencode.ai/config.json',
      model: 'scripted/scripted',
      small_model: 'scripted/scripted',
      share: 'disabled',
      autoupdate: false,
      permission: { '*': ask ? 'ask' : 'allow' },
      provider: {
        scripted: {
          npm: '@ai-sdk/openai-compatible',
          name: 'Scripted',
          options: { baseURL: `${modelUrl}/v1`, apiKey: 'sk-none' },
          models: {
            scripted: { name: 'Scripted', tool_call: true, limit: { context: 200_000, output: 8_000 } },
          },
        },
      },
    };
    writeFileSync(join(folder, 'opencode.json'), JSON.stringify(config, null, 2));
    skipDependencies(folder);
    // Otherwise the list of models is fetched at every start, which takes 10 s without a network (1.18.33). The
    // built-in list takes half of all CPU time up to a first answer, 4 of 8 s: only our own model is needed here.
    const models = join(folder, 'models.json');
    writeFileSync(models, '{}');
    return {
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_MODELS_PATH: models,
      OPENCODE_DISABLE_AUTOUPDATE: '1',
    };
  },
};

/**
 * OpenCode 1.18.33 installs its plugin SDK from the registry into every configuration folder, and waits for that before
 * it loads a plugin: 75 s of retries where there is no network. It accepts a folder that looks installed.
 */
function skipDependencies(folder: string): void {
  const dependencies = { '@opencode-ai/plugin': '1.18.33' };
  const lock = { name: 'opencode', lockfileVersion: 3, packages: { '': { dependencies } } };
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ dependencies }));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
}
