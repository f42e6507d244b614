import { isAboutCheck } from '../../job/check.ts';
import { isAnsweredInPane } from '../../job/in-pane.ts';
import type { PeerRequest } from '../../job/record.ts';

/** How a person answers a request: with words, by allowing or denying it, or only in the pane that shows it. */
export type Way = 'words' | 'decision' | 'pane';

/** A permission is decided, and so is work whose check could not run; a dialog that mam can't read is answered in its pane. */
export function wayOf(request: Pick<PeerRequest, 'kind' | 'source' | 'tool'>): Way {
  if (isAboutCheck(request)) return 'decision';
  if (request.kind !== 'permission') return 'words';
  return isAnsweredInPane(request) ? 'pane' : 'decision';
}

/** Who says that a permission is asked for, unless the peer itself does. */
const SEEN: Readonly<Record<string, string>> = {
  hub: ' (seen on its screen)',
  hook: ' (reported by its hook)',
};

/** What a job waits for, as a heading. */
export function askedTitle(request: PeerRequest): string {
  if (isAboutCheck(request)) return 'Does the work count without its check?';
  const titles: Readonly<Record<Way, string>> = {
    words: 'It asks',
    pane: 'It waits at a dialog in its pane',
    decision: `It asks for permission${SEEN[request.source] ?? ''}`,
  };
  return titles[wayOf(request)];
}

/** Everything that a person can read about a request before deciding it. */
export function requestText({ text, tool, input, input_file: file }: PeerRequest): string {
  const parts = [text];
  if (tool !== undefined && !text.includes(tool)) parts.push(`Tool: ${tool}`);
  if (input !== undefined && !text.includes(input)) parts.push(input);
  if (file !== undefined) parts.push(`This is only the beginning; the full text is in ${file}`);
  return parts.filter(Boolean).join('\n\n');
}
