import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lab } from '../support/lab.ts';
import { test as base } from '../support/lab-test.ts';
import { PROGRAM } from '../support/mcp-client.ts';
import { ROOT } from './markdown.ts';

/** How to read the fake peer's screen. */
export const FAKE = { ready: '^READY> *$', busy: '^WORKING' };

/** What a line printed, and how it ended. */
export interface Typed {
  code: number;
  stdout: string;
  stderr: string;
}

/** A lab in whose shells `mam` and programs that the fake peer plays are on the PATH. */
export class Written extends Lab {
  readonly #bin = join(this.project, 'bin');

  /** @param played the names of the programs that the fake peer plays */
  constructor(played: string[] = ['my-agent']) {
    super({ MAM_HUB_IDLE_SECONDS: '2' });
    this.expected.push(/^p\/bin\/mam$/);
    mkdirSync(this.#bin);
    symlinkSync(PROGRAM, join(this.#bin, 'mam'));
    const peer = `${ROOT}/test/peers/peer.mjs`;
    for (const [at, name] of played.entries()) {
      const words = [process.execPath, peer, '--log', `${this.folder}/peer-0${at}.log`, '--mam', PROGRAM];
      const program = join(this.#bin, name);
      writeFileSync(program, `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')}\n`);
      chmodSync(program, 0o755);
    }
  }

  override get env(): Record<string, string> {
    return { ...super.env, PATH: `${this.#bin}:${super.env['PATH']}` };
  }

  /** Types a line in a shell, and says how it ended. */
  try(line: string): Promise<Typed> {
    return new Promise((resolve) => {
      const child = execFile(
        'bash',
        ['-c', line],
        { cwd: this.project, env: this.env },
        (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  }

  /** Types a line in a shell. @throws unless it ends with 0 */
  async type(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.try(line);
    if (code !== 0) throw new Error(`${line}: ${stdout}${stderr}`);
    return stdout;
  }
}

/** A test that types what a document tells a reader to type. @param played as for `Written` */
export function testWith(played?: string[]) {
  return base.extend<{ lab: Written }>({
    lab: async ({ task }, use) => {
      const lab = new Written(played);
      await use(lab);
      await lab.end(task.result?.state === 'fail');
    },
  });
}
