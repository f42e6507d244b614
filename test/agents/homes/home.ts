/** What a test needs to run one real agent: its program, a private home, and how to point it at a scripted model. */
export interface AgentHome {
  kind: string;
  /** The npm package to install, outside the project's dependencies. */
  npm: { name: string; version: string };
  /** The program's path below the folder that it was installed into. */
  bin: string;
  /** The files that show afterwards what it did, by path in its home: its logs, or its record of the session. */
  logs: RegExp;
  /**
   * Writes the agent's own configuration.
   * @param home private HOME, an existing empty folder
   * @param workdir the folder that the agent will work in; trusted, unless `untrusted`
   * @param modelUrl `http://127.0.0.1:PORT`
   * @param options `ask`: tools ask for permission; otherwise they run without
   * @returns the agent's environment, in addition to PATH, HOME, TERM and LANG
   */
  prepare(
    home: string,
    workdir: string,
    modelUrl: string,
    options: { ask: boolean; untrusted?: boolean },
  ): Record<string, string>;
  /** What a person adds to the command line because the configuration can't express it. */
  args?(options: { ask: boolean }): string[];
}
