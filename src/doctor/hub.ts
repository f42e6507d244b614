import { existsSync } from 'node:fs';
import { MamError } from '../base/errors.ts';
import { isFolder } from '../base/folders.ts';
import { isOurNamespace } from '../base/process-id.ts';
import { isStopped } from '../base/processes.ts';
import { cleanLine, counted } from '../base/text.ts';
import { VERSION } from '../base/version.ts';
import { type HubFile, readHubFile } from '../bus/hub-file.ts';
import { checkHub } from '../link/ensure-hub.ts';
import { requestOnce } from '../link/one-shot.ts';
import { elsewhereText, type HubStatus } from '../operations/housekeeping.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import { type Home, homePaths } from '../registry/home.ts';
import { bootId, livingOwner, type Owner, readOwner } from '../registry/lock.ts';
import { errorsIn } from '../registry/tail.ts';
import type { Settings } from '../settings/config.ts';
import { presentSocketPath } from '../settings/hub-place.ts';
import { type Check, withSettings } from './check.ts';
import { type Found, failure, note, ok, problem } from './finding.ts';
import { outbox } from './outbox.ts';

const STATUS_TIMEOUT_MS = 3_000;
/** Errors of its log are reported up to this age, in ms. */
const LOG_MS = 24 * 3600 * 1000;
const LOG_LINES = 3;
const LINE_CHARS = 300;

/** The background process, its log and its outbox. Starts none. */
export const hub: Check = {
  name: 'hub',
  area: 'hub',
  limitMs: 6_000,

  look: withSettings(async (settings) => {
    const home = homePaths(settings.home);
    const file = readHubFile(home.hubFile);
    const owner = readOwner(home.lock);
    const pid = livingOwner(home.lock)?.pid;
    const answer = await askHub(settings, file);
    const runs = !(answer instanceof MamError);
    const found = runs ? running(settings, answer) : silent(answer, pid, file, home);
    return [...isElsewhere(owner), ...found, ...logOf(home), ...outbox(home, runs)];
  }),
};

/** Asks over the private socket, which every hub has, whatever its broker. @returns the error if it fails */
export async function askHub(settings: Settings, file: HubFile | undefined): Promise<HubStatus | MamError> {
  try {
    const status = await requestOnce<'hub_status'>({
      address: { kind: 'socket', path: presentSocketPath(settings) },
      realm: file?.realm ?? settings.realm,
      host: file?.host ?? settings.host,
      timeoutMs: STATUS_TIMEOUT_MS,
      command: 'hub_status',
      params: {},
    });
    return status ?? new MamError('unreachable', 'No hub answers.');
  } catch (error) {
    if (error instanceof MamError) return error;
    throw error;
  }
}

function running(settings: Settings, status: HubStatus): Found[] {
  const jobs = `${counted(status.open_jobs, 'open job')}${elsewhereText(status)}`;
  const version = cleanLine(status.version, LINE_CHARS);
  const found = [
    ok('hub.running', `It is running: process ${status.pid}, version ${version}, ${jobs}`),
    ...differs(status),
    ...renamed(settings, status),
    ...joined(status),
  ];
  try {
    checkHub(settings);
  } catch (error) {
    found.push(failure('hub.settings', error));
  }
  return found;
}

/** MAM_HOST or the machine's name, which is in the hub's by default, may have changed since. */
function renamed({ host }: Settings, status: HubStatus): Found[] {
  if (status.host === host) return [];
  const title = `The hub is named ${cleanLine(status.host, LINE_CHARS)}, but new clients look for ${host}: MAM_HOST, or the machine's name, has changed.`;
  return [note('hub.name', title, '`mam hub restart` gives it the new name; open jobs go on.')];
}

function joined({ broker, broker_problem: why }: HubStatus): Found[] {
  if (why === undefined) return [];
  const title = `The hub is not connected to the broker ${cleanLine(broker, LINE_CHARS)}: ${cleanLine(why, LINE_CHARS)}`;
  const remedy =
    'What you fix at the broker is noticed by itself; after a change of the settings, run `mam hub restart`.';
  return [problem('hub.broker', title, remedy)];
}

/** Its process has a different id here, or cannot be seen. */
function isElsewhere(owner: Owner | undefined): Found[] {
  if (owner === undefined || owner.boot !== bootId() || isOurNamespace(owner.ns)) return [];
  const title = `The hub was started where processes have different ids (in a container, or outside this one): its process ${owner.pid} is not process ${owner.pid} here.`;
  const remedy =
    'Run mam and its agents on the same side: processes on the other side seem not to be running. Run `mam hub stop` there; the next command here then starts a hub.';
  return [note('hub.namespace', title, remedy)];
}

function differs({ version, protocol, pid }: Pick<HubFile, 'version' | 'protocol' | 'pid'>): Found[] {
  const id = 'hub.version';
  const shown = cleanLine(String(version), LINE_CHARS);
  if (protocol < PROTOCOL_VERSION) {
    const title = `The hub speaks protocol ${protocol} (version ${shown}), this program ${PROTOCOL_VERSION}: it refuses our requests.`;
    return [problem(id, title, `\`kill ${pid}\` ends it cleanly; the next command starts the newer one.`)];
  }
  if (protocol > PROTOCOL_VERSION) {
    const title = `The hub speaks protocol ${protocol} (version ${shown}), this program only ${PROTOCOL_VERSION}.`;
    const remedy = 'Use the newer mam everywhere, or `mam hub restart` for a hub of this version.';
    return [problem(id, title, remedy)];
  }
  if (version === VERSION) return [];
  const title = `The hub is version ${shown}, this program ${VERSION}.`;
  return [note(id, title, '`mam hub restart`; open jobs go on.')];
}

/** No hub is running, although something may answer at its socket. */
function absent(error: MamError, file: HubFile | undefined, home: Home): Found {
  const id = 'hub.running';
  if (existsSync(home.folder) && !isFolder(home.folder))
    return problem(id, `None is running, and none can start: ${home.folder} is not a folder.`, error.hint);
  if (error.code !== 'unreachable') {
    const title = `Something answers at the hub's socket, but not like a hub: ${error.message}`;
    return problem(id, title, '`mam hub logs` shows more; `mam hub restart` starts it again.');
  }
  const left =
    file === undefined ? undefined : `Hub ${file.pid} left harmless files: the next one takes them over.`;
  return ok(id, 'None is running; it starts when it is needed', left);
}

/** No answer: because no hub is running, which is fine, or because one is running and does not answer. */
function silent(error: MamError, pid: number | undefined, file: HubFile | undefined, home: Home): Found[] {
  if (pid === undefined) return [absent(error, file, home)];
  const id = 'hub.running';
  const other = file?.pid === pid ? differs(file) : [];
  if (other.some(({ level }) => level === 'problem')) return other;
  if (isStopped(pid)) {
    const title = `The hub (process ${pid}) is stopped, as by Ctrl-Z or \`kill -STOP\`.`;
    return [problem(id, title, `\`kill -CONT ${pid}\` resumes it.`)];
  }
  if (error.code === 'unreachable') {
    const title = `The hub (process ${pid}) is running, but does not answer at its socket.`;
    const remedy = `It may be starting or ending: run \`mam doctor\` again. If that does not help: \`kill ${pid}\`, and see ${home.log}.`;
    return [problem(id, title, remedy)];
  }
  const title = `The hub (process ${pid}) did not answer within ${STATUS_TIMEOUT_MS / 1000} s.`;
  const remedy = `If that does not change: \`mam hub logs\`, then \`kill ${pid}\`; the next command starts a new one, and open jobs go on.`;
  return [problem(id, title, remedy)];
}

/** The newest errors of the log, if there are recent ones. */
function logOf({ log }: Home): Found[] {
  const late = errorsIn(log, Date.now() - LOG_MS);
  if (late.length === 0) return [];
  const shown = late.slice(-LOG_LINES).map((line) => cleanLine(line, LINE_CHARS));
  const title = `Its log has ${counted(late.length, 'error')} from the last day.`;
  return [note('hub.log', title, '`mam hub logs` shows all of it.', shown.join('\n'))];
}
