import { MamError } from '../base/errors.ts';
import { limited } from '../base/limited.ts';
import { cleanLine } from '../base/text.ts';
import { redactUrl, type UrlAddress } from '../bus/address.ts';
import { externalAddresses } from '../bus/hub-address.ts';
import { readHubFile } from '../bus/hub-file.ts';
import { type RoundTrip, roundTrip, type TripOptions } from '../link/round-trip.ts';
import { homePaths } from '../registry/home.ts';
import { livingOwner } from '../registry/lock.ts';
import type { Settings } from '../settings/config.ts';
import { staysUp } from '../settings/hosts-config.ts';
import { expiring } from './certificates.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, failure, note, ok, problem } from './finding.ts';

const BROKER_TIMEOUT_MS = 5_000;
const HOST_CHARS = 80;

/** The external broker: one message there and back, over each of its nodes. */
export const broker: Check = {
  name: 'broker',
  area: 'broker',
  limitMs: BROKER_TIMEOUT_MS + 1_000,

  look: withSettings(async (settings, _place, signal) => {
    const { broker: external, brokerPublic: isPublic, realm, home } = settings;
    const id = 'broker.reachable';
    if (external === undefined) return [ok(id, 'It is embedded in the hub, on a private socket')];
    try {
      const own = hubName(home);
      const host = own ?? settings.host;
      // A broker is not joined for hosts that are all reached over ssh.
      const joins = isPublic || staysUp(settings);
      // Hubs that do not serve other programs do not disturb each other.
      const trip = { realm, host, isPublic, others: isPublic };
      // A signal for each: a trial adds so many listeners that Node warns of those of three nodes.
      const trials = await Promise.all(
        externalAddresses(external).map((address) =>
          tryNode(address, { ...trip, signal: limited(signal, BROKER_TIMEOUT_MS) }),
        ),
      );
      const works = trials.flatMap((trial) => (trial instanceof MamError ? [] : [trial]));
      const nodes = trials.map((trial, at) =>
        ofNode(external.urls[at] ?? '', realm, trial, works.length > 0),
      );
      if (works.length === 0) return nodes;
      const online = [...new Set(works.flatMap((trial) => trial.online))];
      return [
        ...nodes,
        ...expiring(external),
        ...(joins ? hubOn(own, online, isPublic) : []),
        ...others(host, settings, online),
      ];
    } catch (error) {
      if (!(error instanceof MamError)) throw error;
      return [failure(id, error)];
    }
  }),
};

async function tryNode(address: UrlAddress, trip: TripOptions): Promise<RoundTrip | MamError> {
  try {
    return await roundTrip(address, trip);
  } catch (error) {
    if (error instanceof MamError) return error;
    throw error;
  }
}

/** @param works true if any node does: the hub uses that one */
function ofNode(url: string, realm: string, trial: RoundTrip | MamError, works: boolean): Found {
  const id = 'broker.reachable';
  if (trial instanceof MamError)
    return works ? note('broker.node', trial.message, trial.hint) : failure(id, trial);
  const ms = Math.max(1, Math.round(trial.milliseconds));
  return ok(id, `${redactUrl(url)} delivers a message and its answer in ${ms} ms (realm ${realm})`);
}

/** A running hub that is not on the broker gets no report that comes over it. */
function hubOn(host: string | undefined, online: string[], isPublic: boolean): Found[] {
  if (host === undefined) return [];
  if (online.includes(host))
    return [ok('broker.hub', `A hub called ${cleanLine(host, HOST_CHARS)} is online there`)];
  const title = 'The hub is running, but is not online at the broker.';
  const look = '`mam hub logs` says why it is not there; then `mam hub restart`.';
  const remedy = isPublic
    ? look
    : `Its user there needs all the rules that \`mam hosts acl\` prints. ${look}`;
  return [problem('broker.hub', title, remedy)];
}

/** The name of this home's hub, while one runs: the machine may have been renamed since it started. */
function hubName(folder: string): string | undefined {
  const home = homePaths(folder);
  const file = readHubFile(home.hubFile);
  return file !== undefined && livingOwner(home.lock)?.pid === file.pid ? file.host : undefined;
}

function others(
  host: string,
  { realm, hosts }: Pick<Settings, 'realm' | 'hosts'>,
  online: string[],
): Found[] {
  const names = online
    .filter((name) => name !== host && !Object.hasOwn(hosts, name))
    .map((name) => cleanLine(name, HOST_CHARS));
  if (names.length === 0) return [];
  const title = `Other hubs are online in realm ${realm}: ${names.join(', ')}.`;
  const remedy = 'Two hubs in one realm sometimes refuse reports: give each its own MAM_REALM.';
  return [note('broker.others', title, remedy)];
}
