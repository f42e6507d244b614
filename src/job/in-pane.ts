import type { PeerRequest } from './record.ts';

/** True for a dialog that was seen on the screen and could not be read: only a person can answer it, in its pane. */
export function isAnsweredInPane({ source, tool }: Pick<PeerRequest, 'source' | 'tool'>): boolean {
  return source === 'hub' && tool?.startsWith('dialog') === true;
}
