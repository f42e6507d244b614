import { MamError } from '../base/errors.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { requestOnce } from '../link/one-shot.ts';
import type { HostsResult } from '../operations/hosts.ts';
import { homePaths } from '../registry/home.ts';
import type { Settings } from '../settings/config.ts';
import { staysUp } from '../settings/hosts-config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, failure, note, ok } from './finding.ts';
import { brokerFindings, hostFindings } from './host-findings.ts';

const ANSWER_MS = 5_000;

/** Other hosts: nothing at all where none is configured. */
export const mesh: Check = {
  name: 'hosts',
  area: 'hosts',
  limitMs: ANSWER_MS + 1_000,

  look: withSettings(async (settings) => {
    if (Object.keys(settings.hosts).length === 0) return [];
    const name = ok('hosts.name', `For other hosts, this one is ${settings.host}`);
    const answer = await askHub(settings);
    if (answer instanceof MamError)
      // The check of the hub says what is wrong with one that runs and does not answer.
      return [name, answer.code === 'unreachable' ? asleep(settings) : failure('hosts.unknown', answer)];
    const broker = answer.broker === undefined ? [] : brokerFindings(answer.host, answer.broker);
    const ofHosts = answer.rows.filter((row) => row.named || row.jobs > 0);
    const found = ofHosts.flatMap((row) => hostFindings(row, answer.broker));
    return [...(broker.some(({ id }) => id === name.id) ? [] : [name]), ...broker, ...found];
  }),
};

function asleep(settings: Settings): Found {
  const id = 'hosts.unknown';
  if (!staysUp(settings)) return ok(id, 'No hub is running, so no host was tried');
  const title = 'No hub is running here, so other hosts can ask nothing of this one, and cannot start it.';
  return note(id, title, '`mam hub install` starts one with the machine and keeps it running.');
}

/** Asks over the private socket, as `mam hosts` does, but starts no hub. @returns the error if it fails */
async function askHub(settings: Settings): Promise<HostsResult | MamError> {
  const file = readHubFile(homePaths(settings.home).hubFile);
  try {
    const answer = await requestOnce<'hosts'>({
      address: { kind: 'socket', path: presentSocketPath(settings) },
      realm: file?.realm ?? settings.realm,
      host: file?.host ?? settings.host,
      timeoutMs: ANSWER_MS,
      command: 'hosts',
      params: {},
    });
    return answer ?? new MamError('unreachable', 'No hub answers.');
  } catch (error) {
    if (error instanceof MamError) return error;
    throw error;
  }
}
