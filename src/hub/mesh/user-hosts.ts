import { statSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { hostsNow, type Settings } from '../../settings/config.ts';
import type { Hosts } from '../../settings/hosts-config.ts';

/** The hosts of the user's file: a running hub notices when it changes. */
export class UserHosts {
  readonly #home: string;
  readonly #log: Log;
  #hosts: Hosts;
  /** The state of the file when they were read. */
  #file = '';

  constructor({ home, hosts }: Pick<Settings, 'home' | 'hosts'>, log: Log) {
    this.#home = home;
    this.#log = log;
    this.#hosts = hosts;
  }

  /** As they were read last. */
  get last(): Hosts {
    return this.#hosts;
  }

  /** As the file is now; those that were read last if it can't be used. The same object while it does not change. */
  read(): Hosts {
    const stat = statSync(join(this.#home, 'config.json'), { throwIfNoEntry: false });
    const file = stat === undefined ? '' : `${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    if (file === this.#file) return this.#hosts;
    this.#file = file;
    try {
      this.#hosts = hostsNow(this.#home);
    } catch (error) {
      this.#log.warn(`hosts was not read again: ${explain(error)}`);
    }
    return this.#hosts;
  }
}
