export type Scope = 'user' | 'project';

/** What a client's file depends on. Paths are absolute. */
export interface Surroundings {
  home: string;
  project: string;
  env: Record<string, string | undefined>;
  /** True for an existing file that is not empty. */
  isFile(path: string): boolean;
  command: string;
  args: string[];
}

/** What an install is asked for, beyond the server itself. */
interface Extras {
  /** Our server is a channel; only for a client that has `channel`. */
  channel?: boolean;
  /** The tools of a supervisor need no permission either. */
  supervisor?: boolean;
}

export interface Edited {
  text: string | undefined;
  /** Which part of it is ours, for a later call, as plain JSON; undefined when nothing is. */
  receipt: unknown;
  /** What was left unchanged although a change was wanted, and what to do about it. */
  kept: string[];
  /** The keys that the user had added to our entry and that were removed with it; absent when there were none. */
  lost?: string[];
}

/**
 * Changes a file's text; pure.
 * @param text undefined when there is no file
 * @throws MamError `refused` for a text that can't be read or must not be changed, such as a server `mam` that is not ours
 */
type Edit = (text: string | undefined, receipt: unknown) => Edited;

/** How a client starts our server. */
export interface ServerEntry {
  command: string;
  args: string[];
  /** Added to the server's environment. */
  env: Record<string, string>;
  /** Variables that the client passes on, in addition to a few system ones; undefined when it passes all. */
  env_vars?: string[];
  /** The limit of a tool call in this file, if it sets one. */
  timeout_seconds?: number;
  enabled: boolean;
}

export interface ConfigFile {
  path: string;
  install: Edit;
  uninstall: Edit;
  /**
   * How the client would start the server `mam`; absent for a file that names no servers. Pure.
   * @param text undefined when there is no file
   * @returns undefined when there is no such server
   * @throws MamError `refused` for a text that can't be read, or a server that is not a program on stdio
   */
  read?(text: string | undefined): ServerEntry | undefined;
}

/** An MCP client whose configuration `mam install` can write. */
export interface Client {
  title: string;
  /** Its program on the PATH. */
  program: string;
  files(scope: Scope, around: Surroundings, extras?: Extras): ConfigFile[];
  /** Why a project's files can't allow the supervisor's tools, as a sentence; absent when they can. */
  allowsNothingInProject?: string;
  /** How to start it with a channel, as a sentence; absent when it has no channels. */
  channel?: string;
  /** What to do after the install, a sentence each. */
  next(scope: Scope): string[];
}
