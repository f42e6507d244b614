import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MeshStatus } from '../../../src/operations/hosts.ts';
import { Lab } from '../lab.ts';
import { PROGRAM } from '../mcp-client.ts';
import { until } from '../until.ts';
import { ask, hasHub } from './ask.ts';

/** The lab of one host: its name, its own programs `mam` and `ssh`, its network. */
export class HostLab extends Lab {
  readonly host: string;
  /** The first folder of its PATH. */
  readonly bin = join(this.folder, 'bin');

  /** More of the environment of everything that starts from now on, such as the settings of a broker. */
  more: Record<string, string> = {};

  /** @param prefix words before a command that run it on this host */
  constructor(host: string, env: Record<string, string>, prefix: readonly string[]) {
    super({ MAM_HOST: host, ...env }, prefix);
    this.host = host;
    mkdirSync(this.bin);
    this.expected.push(/^bin\//);
    this.install('mam', `exec '${process.execPath}' '${PROGRAM}' "$@"`);
  }

  override get env(): Record<string, string> {
    return { ...super.env, ...this.more, PATH: `${this.bin}:${super.env['PATH']}` };
  }

  /**
   * What its hub says about the others; undefined while none is configured. No process is started for it.
   * @throws when no hub runs, or it does not listen yet
   */
  async mesh(): Promise<MeshStatus | undefined> {
    if (!hasHub(this)) throw new Error(`${this.host} has no hub`);
    return (await ask(this, 'hub_status', {})).mesh;
  }

  /** Waits until its hub sees this many others. */
  async sees(online: number, ms?: number): Promise<void> {
    await until(`${this.host} sees ${online} others`, async () => (await this.mesh())?.online === online, ms);
  }

  /** Puts a shell script on this host's PATH. */
  install(name: string, script: string): void {
    writeFileSync(join(this.bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
}
