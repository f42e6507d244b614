import { resolveKind } from '../agents/index.ts';
import { orElse } from '../base/or-else.ts';
import { counted } from '../base/text.ts';
import { agentWords } from '../job/agent-words.ts';
import { checkWorkdir } from '../order/delegation-checks.ts';
import type { Settings } from '../settings/config.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, failure, ok } from './finding.ts';

/** The configured agent kinds and profiles: whether each can be, and the files that it names. */
export const profiles: Check = {
  name: 'profiles',
  area: 'agents',
  limitMs: 1_000,

  look: withSettings(async (settings) => {
    const names = Object.keys(settings.agents);
    const wrong = names.flatMap((name) => faultsOf(name, settings));
    const usable = names.flatMap((name) => {
      const kind = orElse(() => resolveKind(name, settings), undefined);
      return kind?.profile === undefined ? [] : [agentWords({ agent: kind.name, profile: kind.profile })];
    });
    if (wrong.length > 0 || usable.length === 0) return wrong;
    return [ok('agent.profiles', `${counted(usable.length, 'profile')}: ${usable.join(', ')}`)];
  }),
};

/** What is wrong with one of them. */
function faultsOf(name: string, settings: Settings): Found[] {
  const id = `agent.profile.${name}`;
  try {
    const kind = resolveKind(name, settings);
    const checks = [
      () => kind.startWith(),
      () => kind.preamble(),
      () => kind.workdir !== undefined && checkWorkdir(kind.workdir),
    ];
    return checks.flatMap((check) => {
      try {
        check();
        return [];
      } catch (error) {
        return [failure(id, error)];
      }
    });
  } catch (error) {
    return [failure(id, error)];
  }
}
