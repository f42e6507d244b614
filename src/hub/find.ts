import { accessSync, closeSync, constants, openSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { execa } from 'execa';
import { checkEncrypted } from '../bus/address.ts';
import { connectFrame } from '../bus/wire.ts';
import type { Settings } from '../config.ts';
import { hubEnvironment } from '../environment.ts';
import { MamError, systemCode } from '../errors.ts';
import { presentSocketPath, START_MS } from '../hub-place.ts';
import { programPath } from '../program.ts';
import { ensurePrivateFolder, homeError, homePaths } from '../registry/home.ts';
import { startFaults, startMark } from '../registry/home-faults.ts';
import { livingOwner, readOwner } from '../registry/lock.ts';
import { tailOf } from '../registry/tail.ts';
import { checkHubSocket } from '../trust/socket.ts';
import { brokerFingerprint, describeBroker, readHubFile } from './hub-file.ts';

const LOOK_MS = 15;
/** So much of the log's end is looked through for why a hub did not start, in bytes. */
const LOG_BYTES = 64 * 1024;
/** A hub that takes a connection answers within this time, in seconds. */
const PROBE_S = 2;
/** Others who find no hub leave the start to the one that began it, for this time in ms. */
const LEAVE_MS = 2_000;

/**
 * Makes sure that a hub listens on the socket: finds the running one or starts one, detached from this process.
 * @throws MamError `unavailable` when none came up, with its last error; `io` or `refused` for a home in which none can;
 * `refused` for a socket of another user
 */
export async function ensureHub(settings: Settings): Promise<void> {
  const begun = Date.now();
  const end = performance.now() + START_MS;
  while (!(await listens(presentSocketPath(settings)))) {
    if (performance.now() > end) throw notStarted(settings, begun);
    if (mayStart(settings)) await startHub(settings);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/**
 * Refuses to talk to a hub of another realm, which would not hear it, or of another broker than the one that is asked
 * for: the job's peers would be heard on one and report on the other.
 * @throws MamError `conflict`; `refused` for a broker that no hub would join
 */
export function checkHub(settings: Settings): void {
  if (settings.broker?.plain !== true && settings.broker !== undefined)
    checkEncrypted(settings.broker.url, fromFile(settings));
  const hub = readHubFile(homePaths(settings.home).hubFile);
  if (hub === undefined) return;
  const differs =
    hub.realm !== settings.realm
      ? `realm ${hub.realm}, here it is ${settings.realm}`
      : settings.broker !== undefined && hub.broker_fingerprint !== brokerFingerprint(settings.broker)
        ? `the broker ${hub.broker}, here it is ${describeBroker(settings.broker)}`
        : undefined;
  if (differs === undefined) return;
  // What a hub that was killed has left binds nobody.
  if (livingOwner(homePaths(settings.home).lock)?.pid !== hub.pid) return;
  throw new MamError(
    'conflict',
    `The running hub (process ${hub.pid}) uses ${differs}.`,
    `Give both the same MAM_BROKER_URL and MAM_REALM, run \`mam hub stop\`, or set another MAM_HOME.${fromFile(settings)}`,
  );
}

/** Where a broker or a realm comes from that the user has not named: a sentence to be added. */
function fromFile({ brokerFile }: Settings): string {
  if (brokerFile === undefined) return '';
  return ` A broker or a realm comes from ${brokerFile}, which was trusted: \`mam trust --revoke\` takes that back.`;
}

/** Only a hint that saves processes: who really becomes the hub is decided under its lock. */
function mayStart(settings: Settings): boolean {
  const home = homePaths(settings.home);
  const mark = startMark(home);
  ensurePrivateFolder(home.folder);
  try {
    // In a sandbox all of it is read-only, and that leads to another next step.
    accessSync(home.folder, constants.W_OK);
    const [fault] = startFaults(home);
    if (fault !== undefined) throw fault;
    const stat = statSync(mark, { throwIfNoEntry: false });
    // One from the future was made before the clock was set back.
    if (stat !== undefined && Math.abs(Date.now() - stat.mtimeMs) < LEAVE_MS) {
      const last = readOwner(home.lock);
      // A mark that is older than a hub that has died since says nothing.
      if (last === undefined || livingOwner(home.lock) !== undefined || last.at < stat.mtimeMs) return false;
    }
    writeMark(mark);
    return true;
  } catch (error) {
    if (error instanceof MamError) throw error;
    throw homeError(home.folder, error);
  }
}

function writeMark(path: string): void {
  try {
    closeSync(openSync(path, 'w', 0o600));
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error;
    // Another user has left it, in a folder of ours.
    rmSync(path);
    closeSync(openSync(path, 'w', 0o600));
  }
}

async function startHub(settings: Settings): Promise<void> {
  const child = execa(process.execPath, [programPath(), 'hub-process'], {
    cwd: '/',
    env: { ...hubEnvironment(), MAM_HOME: settings.home, ...brokerEnvironment(settings) },
    extendEnv: false,
    // A group of its own, without our streams: it outlives this process and whatever ends our group.
    detached: true,
    stdio: 'ignore',
    cleanup: false,
    reject: false,
  });
  child.unref();
}

/**
 * What this process's settings say of the broker, for a hub that reads no project's file. What they leave out is taken out
 * of the environment: a password in it is not for the broker that a project names.
 */
function brokerEnvironment({ broker, realm }: Settings): Record<string, string | undefined> {
  return {
    MAM_REALM: realm,
    MAM_BROKER_URL: broker?.url,
    MAM_BROKER_USERNAME: broker?.username,
    MAM_BROKER_PASSWORD: broker?.password,
    MAM_BROKER_CA: broker?.ca,
    MAM_BROKER_PLAIN: broker?.plain === true ? '1' : undefined,
  };
}

/** A dying hub's socket still takes connections: only an answer proves that somebody is there. */
function listens(path: string): Promise<boolean> {
  checkHubSocket(path);
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const end = (answered: boolean): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () =>
      socket.write(connectFrame(`probe-${process.pid}-${Date.now()}`, PROBE_S, {})),
    );
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    // One that is stopped, or very busy, is there.
    socket.setTimeout(PROBE_S * 1000, () => end(true));
  });
}

/** @param begun when it was first tried: what the log says of earlier hubs is no reason */
function notStarted(settings: Settings, begun: number): MamError {
  const { log } = homePaths(settings.home);
  const last = tailOf(log, LOG_BYTES)
    .split('\n')
    .findLast((line) => {
      const [time = '', level] = line.split(' ', 2);
      return level === 'error' && Date.parse(time) >= begun;
    });
  return new MamError(
    'unavailable',
    `The hub did not start within ${START_MS / 1000} s${last === undefined ? '.' : `; its log says: ${last}`}`,
    `See ${log}.`,
  );
}
