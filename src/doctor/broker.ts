import { MamError } from '../base/errors.ts';
import { cleanLine } from '../base/text.ts';
import { externalAddress } from '../bus/hub-address.ts';
import { describeBroker, readHubFile } from '../bus/hub-file.ts';
import { roundTrip } from '../link/round-trip.ts';
import { homePaths } from '../registry/home.ts';
import { livingOwner } from '../registry/lock.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, note, ok, problem } from './finding.ts';

const ANSWER_MS = 5_000;
const HOST_CHARS = 80;

/** The broker between the hub and its clients: one message there and back. */
export const broker: Check = {
  name: 'broker',
  area: 'broker',
  limitMs: ANSWER_MS + 1_000,

  look: withSettings(async ({ broker: external, realm, host, home }, _place, signal) => {
    const id = 'broker.reachable';
    if (external === undefined) return [ok(id, 'It is embedded in the hub, on a private socket')];
    const where = describeBroker(external);
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), ANSWER_MS);
    signal.addEventListener('abort', () => over.abort(), { once: true });
    try {
      const { milliseconds, online } = await roundTrip(externalAddress(external), realm, host, over.signal);
      return [
        ok(
          id,
          `${where} takes and gives back a message in ${Math.max(1, Math.round(milliseconds))} ms (realm ${realm})`,
        ),
        ...own(home, online),
        ...others(nameOf(home) ?? host, realm, online),
      ];
    } catch (error) {
      if (!(error instanceof MamError)) throw error;
      return [problem(id, error.message, error.hint)];
    } finally {
      clearTimeout(timer);
    }
  }),
};

/** A hub that runs and is not on the broker hears no report that comes over it. */
function own(folder: string, online: string[]): Found[] {
  const host = nameOf(folder);
  if (host === undefined) return [];
  if (online.includes(host)) return [ok('broker.hub', 'The hub says there that it is online')];
  const title = 'The hub runs, but the broker knows nothing of it.';
  return [problem('broker.hub', title, '`mam hub logs` says why it has not joined; then `mam hub restart`.')];
}

/** What the hub of this home is called, while one runs: the machine may have got another name since. */
function nameOf(folder: string): string | undefined {
  const home = homePaths(folder);
  const file = readHubFile(home.hubFile);
  return file !== undefined && livingOwner(home.lock)?.pid === file.pid ? file.host : undefined;
}

function others(host: string, realm: string, online: string[]): Found[] {
  const names = online.filter((name) => name !== host).map((name) => cleanLine(name, HOST_CHARS));
  if (names.length === 0) return [];
  const title = `Other hubs are online in realm ${realm}: ${names.join(', ')}.`;
  const remedy = 'With two hubs in one realm reports are refused now and then: give each its own MAM_REALM.';
  return [note('broker.others', title, remedy)];
}
