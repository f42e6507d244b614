import { isAboutCheck } from '../../job/check.ts';
import type { PeerRequest } from '../../job/record.ts';

/** True for a request that is allowed or denied, not answered with words: a permission, or work whose check could not run. */
export function isDecided(request: Pick<PeerRequest, 'kind' | 'source'>): boolean {
  return request.kind === 'permission' || isAboutCheck(request);
}

/** Everything that a person can read about a request before deciding it. */
export function requestText({ text, tool, input, input_file: file }: PeerRequest): string {
  const parts = [text];
  if (tool !== undefined && !text.includes(tool)) parts.push(`Tool: ${tool}`);
  if (input !== undefined && !text.includes(input)) parts.push(input);
  if (file !== undefined) parts.push(`This is only the beginning; the full text is in ${file}`);
  return parts.filter(Boolean).join('\n\n');
}
