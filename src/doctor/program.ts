import { readFileSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import manifest from '../../package.json' with { type: 'json' };
import { orElse } from '../base/or-else.ts';
import { VERSION } from '../base/version.ts';
import type { Check } from './check.ts';
import { note, ok, problem } from './finding.ts';
import { isAtLeast, numberIn } from './programs.ts';

/** The oldest Node that works, as npm checks it. */
const NODE = numberIn(manifest.engines.node) ?? '0';

/** What runs here, in one line for a bug report; Node; and bash, which runs validation scripts. */
export const program: Check = {
  name: 'program',
  area: 'program',
  limitMs: 6_000,

  async look({ programs }) {
    const tmux = (await programs.version('tmux')) ?? 'no tmux';
    const system = [type(), release(), arch(), distribution()].filter(Boolean).join(' ');
    const node = process.versions.node;
    return [
      ok('program.versions', `mam ${VERSION}, node ${node}, ${tmux}, ${system}`),
      isAtLeast(node, NODE)
        ? ok('program.node', `Node ${node}; ${NODE} or newer is required`)
        : problem(
            'program.node',
            `Node ${node} is too old: ${NODE} or newer is required.`,
            'Install a newer Node (nodejs.org, or `nvm install --lts`), then install mam with it again.',
          ),
      programs.find('bash') !== undefined
        ? ok('program.bash', 'bash is installed, for validation scripts')
        : note(
            'program.bash',
            'bash is not on the PATH: a validation script that is not executable itself cannot run.',
            'Install bash, or make such scripts executable (`chmod +x`).',
          ),
    ];
  },
};

/** The name of a Linux distribution. */
function distribution(): string | undefined {
  const text = orElse(() => readFileSync('/etc/os-release', 'utf8'), '');
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1];
}
