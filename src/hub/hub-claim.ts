import { rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { removeIfEmpty } from '../base/folders.ts';
import { VERSION } from '../base/version.ts';
import { brokerFingerprint, describeBroker, type HubFile, readHubFile } from '../bus/hub-file.ts';
import { PROTOCOL_VERSION } from '../operations/request.ts';
import type { Settings } from '../settings/config.ts';
import { replaceOwn } from '../trust/files.ts';

/** A hub's claim to be its user's only one: its socket, and the file by which clients find it. */
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

  /** What is known about the hub, whatever it is doing. */
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

  /** True while the socket and the file are this hub's. */
  get holds(): boolean {
    return this.ownsSocket && this.#ownsFile();
  }

  /** Writes the file, once the socket exists. @throws the system's error when the file can't be written */
  writeFile(): void {
    const { socketPath, broker } = this.#settings;
    this.#socketInode = statSync(socketPath).ino;
    const place = { socket: socketPath, broker_fingerprint: brokerFingerprint(broker) };
    const file: HubFile = { ...this.status, ...place };
    replaceOwn(this.#path, `${JSON.stringify(file, undefined, 2)}\n`);
    this.#writtenAt = statSync(this.#path).mtimeMs;
  }

  /** Removes what is still this hub's. */
  release(): void {
    if (this.holds) rmSync(this.#settings.socketPath, { force: true });
    if (this.#ownsFile()) rmSync(this.#path, { force: true });
    const folder = dirname(this.#settings.socketPath);
    // Only our socket was in it, unless the next hub's is there already.
    if (folder !== dirname(this.#path)) removeIfEmpty(folder);
  }

  /** True while clients find it. */
  get ownsSocket(): boolean {
    return statSync(this.#settings.socketPath, { throwIfNoEntry: false })?.ino === this.#socketInode;
  }

  #ownsFile(): boolean {
    const stat = statSync(this.#path, { throwIfNoEntry: false });
    if (stat === undefined) return false;
    const pid = readHubFile(this.#path)?.pid;
    // A hub without a free file descriptor can't read it.
    return pid === undefined ? stat.mtimeMs === this.#writtenAt : pid === process.pid;
  }
}
