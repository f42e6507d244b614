import { type filterThere, type ListResult, listViewAt } from '../../operations/list.ts';
import { ELSEWHERE_MS } from '../../operations/request.ts';
import { printAnswer } from '../core/output.ts';
import { listText } from './list-text.ts';
import { withHub } from './with-hub.ts';

/** Shows what another host lists. @returns the exit code */
export function listAt(
  registryDir: string | undefined,
  host: string,
  params: ReturnType<typeof filterThere>,
  json: boolean,
): Promise<number> {
  return withHub(registryDir, async ({ ask }) => {
    const there = await ask('ask_host', { host, command: 'list', params }, ELSEWHERE_MS);
    const found = there as unknown as ListResult;
    const view = listViewAt(host, found);
    const text = found.jobs.length === 0 ? view.summary : listText(found.jobs);
    return printAnswer(json, { ...view, next: 'mam list' }, text);
  });
}
