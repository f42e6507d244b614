import { isAboutCheck } from '../../job/check.ts';
import type { PeerRequest } from '../../job/record.ts';

/** True for what is allowed or denied, not answered with words: a permission, or work whose check could not run. */
export function isDecided(request: Pick<PeerRequest, 'kind' | 'source'>): boolean {
  return request.kind === 'permission' || isAboutCheck(request);
}

/** All that there is to read of a request before it is decided. */
export function requestText({ text, tool, input, input_file: file }: PeerRequest): string {
  const parts = [text];
  if (tool !== undefined && !text.includes(tool)) parts.push(`Tool: ${tool}`);
  if (input !== undefined && !text.includes(input)) parts.push(input);
  if (file !== undefined) parts.push(`This is its beginning; the whole is in ${file}`);
  return parts.filter(Boolean).join('\n\n');
}
