/** What a test needs to run one real agent: its program, a private home, and how it is pointed at a scripted model. */
export interface AgentHome {
  kind: string;
  /** What is installed from the npm registry, outside the project's dependencies. */
  npm: { name: string; version: string };
  /** The program's path below the folder that it was installed into. */
  bin: string;
  /** The files that tell afterwards what it did, by their path in its home: its logs, else its record of the session. */
  logs: RegExp;
  /**
   * Writes the agent's own configuration.
   * @param home private HOME, an existing empty folder
   * @param workdir the folder that the agent will work in; trusted, unless `untrusted`
   * @param modelUrl `http://127.0.0.1:PORT`
   * @param options `ask`: tools ask for permission; else they run without
   * @returns the environment that the agent runs with, beside PATH, HOME, TERM and LANG
   */
  prepare(
    home: string,
    workdir: string,
    modelUrl: string,
    options: { ask: boolean; untrusted?: boolean },
  ): Record<string, string>;
  /** What a person adds to the command line, where the configuration can't say it. */
  args?(options: { ask: boolean }): string[];
}
