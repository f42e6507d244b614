import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratchFolder } from './scratch.ts';

/** A real git repository with one commit on `main`, in a folder of its own. */
export class Repository {
  /** Holds the repository and whatever a test makes beside it. */
  readonly place: string;
  readonly folder: string;
  /** The environment for git: without the settings of whoever runs the tests. */
  readonly env: Record<string, string>;

  /** @param at inside the place, made by this; without it a place of its own is made */
  constructor(at?: { place: string; name: string }) {
    this.place = at?.place ?? realpathSync(mkdtempSync(join(scratchFolder(), 'mam-git-')));
    this.folder = join(this.place, at?.name ?? 'project');
    const home = join(this.place, '.home');
    mkdirSync(home, { recursive: true });
    writeFileSync(
      join(home, '.gitconfig'),
      '[user]\n\tname = A\n\temail = a@example.org\n[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n',
    );
    this.env = { HOME: home, PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8' };
    mkdirSync(this.folder, { recursive: true });
    this.git('init', '-q');
    this.commit('readme.txt', 'Hello\n', 'First');
  }

  /** Runs git in the repository. @returns what it printed, without the last line break */
  git(...args: string[]): string {
    return this.gitIn(this.folder, ...args);
  }

  gitIn(folder: string, ...args: string[]): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'];
    return execFileSync('git', ['-C', folder, ...args], { env: this.env, encoding: 'utf8', stdio }).replace(
      /\n$/,
      '',
    );
  }

  /** Writes a file, and makes the folders above it. @param folder default: the repository */
  write(name: string, text: string, folder = this.folder): void {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }

  /** Writes and commits one file. @returns the commit */
  commit(name: string, text: string, message = `Change ${name}`, folder = this.folder): string {
    this.write(name, text, folder);
    this.gitIn(folder, 'add', '--', name);
    this.gitIn(folder, 'commit', '-q', '-m', message);
    return this.gitIn(folder, 'rev-parse', 'HEAD');
  }

  remove(): void {
    rmSync(this.place, { recursive: true, force: true });
  }
}
