import { requestOnce } from '../../../src/link/one-shot.ts';
import type { Command, Commands } from '../../../src/operations/request.ts';
import { isRunning } from '../processes.ts';
import type { HostLab } from './host-lab.ts';

/**
 * Asks a host's own hub, which is started if none runs; otherwise no process is started, so that this may be asked often.
 * @throws the hub's error
 */
export async function ask<C extends Command>(
  lab: HostLab,
  command: C,
  params: Commands[C]['params'],
  timeoutMs = 30_000,
): Promise<Commands[C]['result']> {
  if (!hasHub(lab)) await lab.mam('hub', 'connect');
  const { socket, realm, host } = lab.hub();
  const address = { kind: 'socket', path: socket } as const;
  const result = await requestOnce<C>({ address, realm, host, timeoutMs, command, params });
  if (result === undefined) throw new Error(`${lab.host} has not answered ${command} in ${timeoutMs} ms`);
  return result;
}

/** True while its hub runs, even one that is just starting. */
export function hasHub(lab: HostLab): boolean {
  try {
    return isRunning(lab.hub().pid);
  } catch {
    return false;
  }
}
