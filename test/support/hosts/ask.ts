import { requestOnce } from '../../../src/link/one-shot.ts';
import type { Command, Commands } from '../../../src/operations/request.ts';
import type { HostLab } from './host-lab.ts';

/** Asks a host's own hub, which is started if none runs. @throws the hub's error */
export async function ask<C extends Command>(
  lab: HostLab,
  command: C,
  params: Commands[C]['params'],
  timeoutMs = 30_000,
): Promise<Commands[C]['result']> {
  await lab.mam('hub', 'connect');
  const { socket, realm, host } = lab.hub();
  const address = { kind: 'socket', path: socket } as const;
  const result = await requestOnce<C>({ address, realm, host, timeoutMs, command, params });
  if (result === undefined) throw new Error(`${lab.host} has not answered ${command} in ${timeoutMs} ms`);
  return result;
}
