import { rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { VERSION } from '../base/version.ts';
import { brokerFingerprint, describeBroker, type HubFile, readHubFile } from '../bus/hub-file.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import type { Settings } from '../settings/config.ts';
import { replaceOwn } from '../trust/files.ts';

/** A hub's claim to be the one of its user: its socket, and the file that tells clients of it. */
export class HubClaim {
  readonly #path: string;
  readonly #settings: Settings;
  readonly #startedAt = new Date().toISOString();
  #socketInode: number | undefined;
  #writtenAt: number | undefined;

  /** @param path of `hub.json` */
  constructor(path: string, settings: Settings) {
    this.#path = path;
    this.#settings = settings;
  }

  /** What is known of the hub without a look at its work. */
  get status(): Omit<HubFile, 'socket' | 'broker_fingerprint'> {
    const { realm, host, broker } = this.#settings;
    return {
      version: VERSION,
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      host,
      realm,
      broker: describeBroker(broker),
      started_at: this.#startedAt,
    };
  }

  /** True while socket and file are this hub's own. */
  get holds(): boolean {
    return this.ownsSocket && this.#ownsFile();
  }

  /** Tells clients of the hub; its socket is there. @throws the system's error when the file can't be written */
  take(): void {
    const { socketPath, broker } = this.#settings;
    this.#socketInode = statSync(socketPath).ino;
    const file: HubFile = {
      ...this.status,
      socket: socketPath,
      broker_fingerprint: brokerFingerprint(broker),
    };
    replaceOwn(this.#path, `${JSON.stringify(file, undefined, 2)}\n`);
    this.#writtenAt = statSync(this.#path).mtimeMs;
  }

  /** Removes what is still its own. */
  release(): void {
    if (this.holds) rmSync(this.#settings.socketPath, { force: true });
    if (this.#ownsFile()) rmSync(this.#path, { force: true });
    const folder = dirname(this.#settings.socketPath);
    if (folder !== dirname(this.#path)) removeEmpty(folder);
  }

  /** True while clients find it. */
  get ownsSocket(): boolean {
    const stat = statSync(this.#settings.socketPath, { throwIfNoEntry: false });
    return stat?.ino === this.#socketInode;
  }

  #ownsFile(): boolean {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    if (stat === undefined) return false;
    const pid = readHubFile(this.#path)?.pid;
    // A hub that has no file descriptor left can't read it.
    return pid === undefined ? stat.mtimeMs === this.#writtenAt : pid === process.pid;
  }
}

/** Removes the folder that only a socket of ours was in. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // The next hub is there already.
  }
}
