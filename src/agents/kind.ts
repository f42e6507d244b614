import type { OwnCommand } from '../tmux/own-command.ts';
import type { ScreenPatterns } from '../tmux/screen.ts';
import type { TranscriptFormat } from './usage/usage-reader.ts';

/** What an agent's screen may show instead of its input box. */
export type DialogName = 'permission' | 'trust' | 'login' | 'update' | 'hooks' | 'other';

/** How a dialog is recognised on the screen. */
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
  /** The rest of the dialog's body, one line per pane row: where a row ends, the original may have a blank or none. */
  input: string;
  /** The dialog shows only part of its request: then it is never allowed by key. */
  partial?: boolean;
  /** If the options have no keys: the keys that allow it now, and the row of the unselected option. */
  choice?: { allow: readonly string[]; row: string };
}

/** What it takes to start an agent in a pane. */
export interface LaunchOptions {
  /** Our MCP server's command line: program and arguments. */
  server: readonly [string, ...string[]];
  /** What our server's environment must contain, whatever the agent itself passes on. */
  serverEnv: Readonly<Record<string, string>>;
  /** Command line of our hook entry; the agent's event name is appended to it. */
  hook: readonly [string, ...string[]];
  /** A private folder for the files of `Launch`. */
  folder: string;
  workdir: string;
  /** The home folder of the user who starts it. */
  home: string;
  /** Continue the agent's last session in this folder. */
  resume: boolean;
  /** Continue this conversation instead: its id, which matches the kind's pattern. */
  conversation?: string | undefined;
  /** What follows our own arguments: the model and what the person adds. */
  more?: readonly string[];
  /** The first prompt, for kinds with `takesPrompt`; the agent gets it whole. It never contains a task's words. */
  prompt?: string | undefined;
}

/** How to start an agent without touching the user's own configuration. */
export interface Launch {
  /** What follows the program on its command line. */
  args: string[];
  /** Environment variables of the pane, in addition to the user's. */
  env: Record<string, string>;
  /** Files to write into `LaunchOptions.folder` (0600) before the start, by their path in it. */
  files: Record<string, string>;
  /** Real folders in which the agent keeps its conversations: made if missing, so that they are linked and outlive it. */
  keeps?: readonly string[];
  /** Folders below `LaunchOptions.folder` that link each entry of a real folder, unless we put a file there. */
  mirrors?: Record<string, string>;
}

/** The ids of conversations of most agents. */
export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How one kind of agent is recognised and controlled in its terminal. */
export interface AgentKind {
  name: string;
  /** As its makers spell it. */
  title: string;
  /** The session used if the caller names none; absent: it must be named. */
  defaultSession?: string;
  /** Patterns matched against the whole screen. `dialog` is derived from `dialogs`. */
  screen: ScreenPatterns;
  dialogs: readonly DialogSign[];
  /** Delay between seeing our text in the input box and pressing Enter, in ms. */
  settleMs: number;
  /** tmux's name for the key that submits. */
  submitKey: string;
  /** While it is still reading a paste, it treats the submit key as a line break. */
  breaksEarly?: true;
  /** The key that deletes the line up to the cursor and does nothing in an empty box. */
  clearKey?: string;
  /** How a new conversation is begun in it. */
  newConversation?: OwnCommand;
  /** The keys that interrupt its turn, in order. */
  interruptKeys?: readonly string[];
  /** Its conversations can be resumed by their ids. */
  conversation?: {
    /** Its ids: they get onto a command line. */
    id: RegExp;
    /** Each is in a file of its own, whose path its hooks report. */
    hasTranscript: boolean;
    /** How that file, or another one, says what was used. */
    usage: TranscriptFormat;
  };
  permission?: {
    /** The request of the dialog on the screen, if there is one. */
    read(lines: readonly string[]): ShownPermission | undefined;
    /** The tools, as hooks and `read` name them, whose dialogs show a command and nothing else. */
    commands?: readonly string[];
    /** The keys that allow it once and nothing more. */
    allow: readonly string[];
    /** The keys that deny it. */
    deny: readonly string[];
  };
  /** True for the command line of this agent. */
  isProcess?(argv: readonly string[]): boolean;
  /** Absent for kinds that only people start. */
  start?: {
    /** The program, looked up on the PATH. */
    program: string;
    /** The version with which everything in the kind's file was measured. */
    tried: string;
    /** How to get it, as a sentence. */
    install: string;
    /** How it takes a model: `{model}` is replaced. */
    modelArgs: readonly string[];
    /** What the kind may do without asking, by its own words: the arguments for each. */
    permissionModes: Readonly<Record<string, readonly string[]>>;
    /**
     * What a person must not add: matched against the arguments, one per line. It would switch off our server or our hooks,
     * or the input box that we type into.
     */
    refusedArgs: RegExp;
    /** Variables that would do the same. */
    refusedEnv: readonly string[];
    /** It accepts the whole first prompt on its command line. */
    takesPrompt: boolean;
    launch(options: LaunchOptions): Launch;
  };
}
