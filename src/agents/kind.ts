import type { ScreenPatterns } from '../tmux/screen.ts';

/** What an agent's screen may show instead of its input box. */
export type DialogName = 'permission' | 'trust' | 'login' | 'update' | 'hooks' | 'other';

/** A dialog as it is recognised on the screen. */
export interface DialogSign {
  name: DialogName;
  pattern: RegExp;
  /** What a person must do, after "Attach and": `choose "Yes, I trust this folder"`. */
  remedy: string;
}

/** A permission request as the screen shows it. */
export interface ShownPermission {
  /** The tool's or the command's name. */
  tool: string;
  /** The rest of the dialog's body, a line for each row of the pane: where a row ends, there may be a blank or none. */
  input: string;
  /** The dialog shows only a part of what it asks for: then it is never allowed by key. */
  partial?: boolean;
  /** Where the options have no keys of their own: the keys that allow it now, and the row of the option not chosen. */
  choice?: { allow: readonly string[]; row: string };
}

/** What it takes to start an agent in a pane. */
export interface LaunchOptions {
  /** Our MCP server's command line: program and arguments. */
  server: readonly [string, ...string[]];
  /** What our server's environment must hold, whatever the agent passes on by itself. */
  serverEnv: Readonly<Record<string, string>>;
  /** Command line of our hook entry; the name of the agent's event comes after it. */
  hook: readonly [string, ...string[]];
  /** A private folder for the files of `Launch`. */
  folder: string;
  workdir: string;
  /** The home folder of the user who starts it. */
  home: string;
  /** Continue the agent's last session in this folder. */
  resume: boolean;
  /** The first prompt, for kinds with `takesPrompt`; the agent gets it whole. It never holds a task's words. */
  prompt?: string | undefined;
}

/** How to start an agent, without touching anything of the user's own configuration. */
export interface Launch {
  /** What follows the program on its command line. */
  args: string[];
  /** Variables of the pane's environment, besides the user's. */
  env: Record<string, string>;
  /** Files to be written into `LaunchOptions.folder` (0600) before the start, by their path in it. */
  files: Record<string, string>;
  /** Folders below `LaunchOptions.folder` that link each entry of a real folder, unless a file of ours is there. */
  mirrors?: Record<string, string>;
}

/** How one kind of agent is recognised and spoken to in its terminal. */
export interface AgentKind {
  name: string;
  /** As its makers write it. */
  title: string;
  /** The session of a caller that names none; absent: it must be named. */
  defaultSession?: string;
  /** Patterns tried on the whole screen. `dialog` is made of `dialogs`. */
  screen: ScreenPatterns;
  dialogs: readonly DialogSign[];
  /** Time between our text being seen in the input box and Enter, in ms. */
  settleMs: number;
  /** tmux's name of the key that submits. */
  submitKey: string;
  /** While it still reads a paste it takes the submit key for a line break. */
  breaksEarly?: true;
  /** The key that deletes the line up to the cursor, and does nothing in an empty box. */
  clearKey?: string;
  /** The keys that interrupt its turn, in their order. */
  interruptKeys?: readonly string[];
  permission?: {
    /** What the dialog on the screen asks for, if there is one. */
    read(lines: readonly string[]): ShownPermission | undefined;
    /** The tools, as hooks and `read` name them, whose dialogs show a command and nothing else. */
    commands?: readonly string[];
    /** The keys that allow it once, and nothing more. */
    allow: readonly string[];
    /** The keys that deny it. */
    deny: readonly string[];
  };
  /** True for the command line of this agent. */
  isProcess?(argv: readonly string[]): boolean;
  /** Absent for kinds that only people start. */
  start?: {
    /** The program, looked for on the PATH. */
    program: string;
    /** The version that all in the kind's file was measured with. */
    tried: string;
    /** How to get it, as a sentence. */
    install: string;
    /** It takes the whole first prompt on its command line. */
    takesPrompt: boolean;
    launch(options: LaunchOptions): Launch;
  };
}
