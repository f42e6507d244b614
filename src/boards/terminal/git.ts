import { spawn } from 'node:child_process';
import { systemCode } from '../../base/errors.ts';
import { type GitFolder, makeGitFolder } from './git-folder.ts';

/** A folder with many files takes git seconds; longer than this, nobody waits for it. */
const GIT_TIMEOUT_MS = 15_000;
const MAX_BYTES = 1024 * 1024;

/** Whatever a repository's own configuration names must not run: mam does not trust a repository. */
const SAFE = [
  ...['--no-pager', '--no-optional-locks', '--literal-pathspecs'],
  ...['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false'],
  // A partial clone fetches what it lacks, with the transport that it names.
  ...['-c', 'protocol.allow=never', '-c', 'submodule.recurse=false', '-c', 'color.ui=false'],
];
const ENVIRONMENT = {
  ...{
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
  },
  ...{ GIT_PAGER: 'cat', LC_ALL: 'C' },
};
/** What would make git look elsewhere, run something, or write a trace: the caller's variables are for other folders. */
const KEPT = /^(?:PATH|HOME|XDG_CONFIG_HOME|USER|LOGNAME|TMPDIR|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/;

/** What git has printed. */
export interface Printed {
  code: number | undefined;
  stdout: string;
  stderr: string;
  /** Only the beginning of it is here. */
  isCut: boolean;
  /** Why there is nothing: git is missing, or took too long. */
  problem?: string | undefined;
}

/** What a file looks like on disk, by the repository's own configuration. It names no program. */
const HARMLESS =
  '^core\\.(autocrlf|eol|filemode|ignorecase|symlinks|precomposeunicode|checkstat|trustctime)$';

/** Git in one folder, read only. */
export class Git {
  readonly #folder: string;
  #own: GitFolder | undefined;
  /** The repository's own settings that stay. */
  #settings: readonly string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * From now on, git reads nothing of the repository but its index, its objects and its ignored files: its own
   * configuration and attributes could name programs that files are passed through, and may change at any time. Those of
   * the user's configuration stay, such as that of Git LFS. Call `end` afterwards.
   * @throws the system's error if there is no room for a temporary folder
   */
  async distrust(): Promise<void> {
    const paths = ['objects', 'index', 'info/exclude'].flatMap((name) => ['--git-path', name]);
    const [places, settings] = await Promise.all([
      this.run(['rev-parse', '--show-object-format', '--show-toplevel', ...paths]),
      this.run(['config', '-z', '--get-regexp', HARMLESS]),
    ]);
    const entries = settings.stdout.split('\0').filter(Boolean);
    this.#settings = entries.flatMap((entry) => ['-c', entry.replace('\n', '=')]);
    const [format = '', top = '', objects = '', index = '', exclude = ''] = places.stdout.split('\n');
    this.#own = makeGitFolder(this.#folder, { format, top, objects, index, exclude });
  }

  end(): void {
    this.#own?.remove();
  }

  /** Runs one command of git; never rejects. */
  run(words: readonly string[], most = MAX_BYTES): Promise<Printed> {
    return new Promise((resolve) => {
      const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => KEPT.test(name)));
      const child = spawn('git', [...SAFE, ...this.#settings, '-C', this.#folder, ...words], {
        // In the folder itself, a relative entry of the PATH would lead into it.
        cwd: '/',
        env: { ...env, ...ENVIRONMENT, ...this.#own?.env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      let [size, isCut, isLate] = [0, false, false];
      const timer = setTimeout(() => {
        isLate = true;
        child.kill('SIGKILL');
      }, GIT_TIMEOUT_MS);
      child.stdout.on('data', (piece: Buffer) => {
        size += piece.length;
        if (!isCut) out.push(piece);
        if (size <= most) return;
        isCut = true;
        child.kill('SIGTERM');
      });
      child.stderr.on('data', (piece: Buffer) => {
        if (err.length < 16) err.push(piece);
      });
      const end = (code: number | null, problem?: string): void => {
        clearTimeout(timer);
        const stdout = Buffer.concat(out).subarray(0, most).toString();
        const late = isLate ? `git took longer than ${GIT_TIMEOUT_MS / 1000} s` : undefined;
        resolve({
          ...{ code: code ?? undefined, stdout, stderr: Buffer.concat(err).toString().trim(), isCut },
          problem: problem ?? late,
        });
      };
      child.once('error', (error) =>
        end(null, systemCode(error) === 'ENOENT' ? 'git is not installed' : 'git could not be started'),
      );
      child.once('close', (code) => end(code));
    });
  }
}

function environment(): NodeJS.ProcessEnv {
  // biome-ignore lint/style/noProcessEnv: a few of its variables are passed to git; none of our settings is read from it
  return process.env;
}
