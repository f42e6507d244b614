import type { HostAllows } from '../../operations/hosts.ts';
import type { MayConfig } from '../../settings/hosts-config.ts';

/**
 * What a host is told that it may ask; the policy itself is checked with each ask.
 * @param may as the settings have it @param isOverSocket it has come over ssh: it has a shell here, so it may do everything
 */
export function allowedTo(may: MayConfig | undefined, isOverSocket: boolean): HostAllows {
  if (isOverSocket) return { delegate: true, start: true, validate: true, decide: true, see: 'all' };
  return {
    // Without a folder, every job would be refused.
    delegate: may?.delegate === true && may.workdirs.length > 0,
    start: may?.start ?? false,
    validate: may?.validate === true || (Array.isArray(may?.validate) && may.validate.length > 0),
    decide: may?.decide ?? false,
    see: may?.see ?? 'own',
  };
}
