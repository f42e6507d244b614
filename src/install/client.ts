/** For all projects of the user, or for one project. */
export type Scope = 'user' | 'project';

/** What a client's file has to know of the machine. Paths are absolute. */
export interface Surroundings {
  home: string;
  project: string;
  env: Record<string, string | undefined>;
  /** True for an existing file that is not empty. */
  isFile(path: string): boolean;
  /** How our server is started. */
  command: string;
  args: string[];
}

/** What became of a file's text. */
export interface Edited {
  /** Undefined when there shall be no file. */
  text: string | undefined;
  /** What of it is ours, for a later call; undefined when nothing is. Plain JSON. */
  receipt: unknown;
  /** What was left as it is although it was asked for, and what to do about it. */
  kept: string[];
  /** What the user had put inside our entry, and went with it, by its keys; absent when he had put nothing there. */
  lost?: string[];
}

/**
 * Changes a file's text; pure.
 * @param text undefined when there is no file
 * @param receipt what an earlier install gave
 * @throws MamError `refused` for a text that can't be read or must not be changed, such as a server `mam` that is not ours
 */
export type Edit = (text: string | undefined, receipt: unknown) => Edited;

/** How a client starts our server. */
export interface ServerEntry {
  command: string;
  args: string[];
  /** What it adds to the server's environment. */
  env: Record<string, string>;
  /** The names that it copies from its own environment, beside a few of the system's; undefined when it passes all. */
  env_vars?: string[];
  /** How long a tool call may take by this file; undefined when the file does not say. */
  timeout_seconds?: number;
  enabled: boolean;
}

/** A file of a client's configuration. */
export interface ConfigFile {
  path: string;
  install: Edit;
  uninstall: Edit;
  /**
   * How the client would start the server `mam` by this text; absent for a file that names no servers. Pure.
   * @param text undefined when there is no file
   * @returns undefined when the text has no such server
   * @throws MamError `refused` for a text that can't be read, or a server that is no program on stdio
   */
  read?(text: string | undefined): ServerEntry | undefined;
}

/** An MCP client whose configuration `mam install` can write. */
export interface Client {
  /** As a person calls it. */
  title: string;
  /** Its program on the PATH. */
  program: string;
  /** @param channel true when our server shall be a channel; only for a client that has `channel` */
  files(scope: Scope, around: Surroundings, channel?: boolean): ConfigFile[];
  /** How it is started so that it listens to a channel, as a sentence; absent when it has no channels. */
  channel?: string;
  /** What to do after the install, a sentence each. */
  next(scope: Scope): string[];
}
